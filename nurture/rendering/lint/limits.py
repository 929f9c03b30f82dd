"""Limits on what an author may write, so that no email exhausts time or memory.

They are far above any email that a client would show, and below what was measured to slow down
or crash the compilers: the MJML compiler overflows its stack on some thousand nested elements,
and Python rejects templates with a hundred nested conditionals.
"""

import re
from collections.abc import Iterator

from nurture.domain.messages.email import EmailSource
from nurture.rendering.syntax.jinja_tags import JinjaTag, JinjaTagError, blanked, jinja_tags
from nurture.rendering.syntax.mjml import Element, read_markup

LONGEST_SOURCE = 100_000
LONGEST_FRONT_VALUE = 1_000
MOST_TAGS, LONGEST_TAG, DEEPEST_CHOICE, MOST_BRANCHES = 500, 300, 10, 20
MOST_ELEMENTS, DEEPEST_ELEMENT, MOST_CAROUSEL_IMAGES = 3_000, 60, 10

#: More findings than this help no one.
MOST_FINDINGS = 50

#: These characters have a meaning of their own inside the program.
_RESERVED = re.compile("[\ue000\ue001\ufdd0]")


def limit_findings(source: EmailSource) -> list[str]:
    """Return what exceeds the limits in an email's source, before anything parses it."""
    found = list(_length_findings(source))
    return found or [
        *_tag_findings(source.body, source.place),
        *_tag_findings(source.text, f"{source.key}.txt"),
        *_tag_findings(str(source.front.get("subject")), f"{source.place}, subject"),
        *_reserved_findings(source),
    ]


def _length_findings(source: EmailSource) -> Iterator[str]:
    for text, file in ((source.body, source.place), (source.text, f"{source.key}.txt")):
        if len(text) > LONGEST_SOURCE:
            yield f"{file}: it has {len(text):,} characters; keep it under {LONGEST_SOURCE:,}."
    for name, value in source.front.items():
        if len(str(value)) > LONGEST_FRONT_VALUE:
            yield f"{source.place}: {name} is too long; keep it under {LONGEST_FRONT_VALUE:,}."


def _reserved_findings(source: EmailSource) -> Iterator[str]:
    for number, line in enumerate(source.body.split("\n"), source.first_line):
        if found := _RESERVED.search(line):
            yield f"{source.place}, line {number}: leave the character {ord(found[0]):x} out."
    if _RESERVED.search(f"{source.text}{dict(source.front)}"):
        yield f"{source.place}: a character stands in it that only the program may use."


def _tag_findings(body: str, file: str) -> Iterator[str]:
    try:
        tags = jinja_tags(body)
    except JinjaTagError:
        return  # The reader of the body reports it, with the place.
    if len(tags) > MOST_TAGS:
        yield f"{file}: it has {len(tags):,} Jinja tags; keep them under {MOST_TAGS}."
        return
    for tag in tags:
        if tag.end - tag.start > LONGEST_TAG:
            yield f"{file}: {body[tag.start : tag.start + 20]}… is too long for one Jinja tag."
    if _deepest_choice(tags) > DEEPEST_CHOICE:
        yield f"{file}: {{% if … %}} nests too deep; keep it under {DEEPEST_CHOICE}."
    if sum(tag.keyword == "elif" for tag in tags) > MOST_BRANCHES:
        yield f"{file}: there is too much {{% elif … %}}; keep it under {MOST_BRANCHES}."


def _deepest_choice(tags: list[JinjaTag]) -> int:
    depth = deepest = 0
    for tag in tags:
        depth += (tag.keyword == "if") - (tag.keyword == "endif")
        deepest = max(deepest, depth)
    return deepest


def design_findings(mjml: str, file: str) -> list[str]:
    """Return what exceeds the limits in an email's whole MJML, to protect the compiler."""
    try:
        document = read_markup(blanked(mjml, jinja_tags(mjml)))
    except JinjaTagError:
        return []  # The linter reports it, with the place.
    if len(document.elements) > MOST_ELEMENTS:
        return [f"{file}: it has more than {MOST_ELEMENTS:,} elements. Make it shorter."]
    found = []
    if _deepest(document.elements) > DEEPEST_ELEMENT:
        found.append(f"{file}: elements nest more than {DEEPEST_ELEMENT} deep.")
    images = sum(element.name == "mj-carousel-image" for element in document.elements)
    if images > MOST_CAROUSEL_IMAGES:
        found.append(f"{file}: more than {MOST_CAROUSEL_IMAGES} images turn in a carousel.")
    return found


def _deepest(elements: list[Element]) -> int:
    """Return the depth of the tree; a parent always comes before its children."""
    depths: dict[int, int] = {}
    for element in elements:
        above = depths[id(element.parent)] if element.parent else 0
        depths[id(element)] = above + 1
    return max(depths.values(), default=0)
