"""Hiding Jinja tags from the MJML compiler, and restoring them in its output.

The compiler breaks on the quotes and brackets inside a tag. Each tag is therefore replaced by
a placeholder of plain letters and digits, which the compiler passes unchanged through text,
attribute values and the places between components. Where bare text is not allowed, the
placeholder is wrapped:

- directly in `<mj-head>`, in `<mj-raw>` (the compiler moves it to the end of the head:
  the linter reports tags that would lose their meaning there);
- between the parts of a social bar, a menu or an accordion, in an XML comment;
- a Jinja comment outside `<mj-body>`, in an XML comment too: the compiler drops it, which
  loses nothing.

Compile with comments preserved. An attribute that the compiler calculates with loses its
placeholder; the linter reports each of those.
"""

import re

from nurture.rendering.syntax.jinja_tags import JinjaTag, blanked, jinja_tags
from nurture.rendering.syntax.mjml import Element, read_markup

#: The letter q occurs only at the beginning, so that no text before or after a placeholder can be
#: mistaken for part of one. The last letter is the wrap: n for none, h for `<mj-raw>`, c for a
#: comment.
_PLACEHOLDER = re.compile(r"qjinja([0-9]+)[nhc]")
_WRAPPED = re.compile(
    r"<mj-raw>qjinja([0-9]+)h</mj-raw>|<!--qjinja([0-9]+)c-->|qjinja([0-9]+)[nhc]"
)
_FORMS = {"n": "qjinja{}n", "h": "<mj-raw>qjinja{}h</mj-raw>", "c": "<!--qjinja{}c-->"}

_IN_COMMENTS = frozenset({"mj-social", "mj-navbar", "mj-accordion"})


def mask_jinja(source: str, *, in_mjml: bool = True) -> tuple[str, list[str]]:
    """Return the source with a placeholder for each Jinja tag, and the tags in order.

    Outside MJML no placeholder is wrapped: each is `qjinja`, a number and an n.

    Text that happens to look like a placeholder is masked as well, so that
    `unmask_jinja(*mask_jinja(source)) == source` for every source. Raise JinjaTagError
    if a tag cannot be parsed.
    """
    found = jinja_tags(source)
    wraps = _wraps(source, found) if in_mjml else {}
    parts: list[str] = []
    tags: list[str] = []
    after = 0
    for tag in found:
        parts += [_mask_lookalikes(source[after : tag.start], tags)]
        parts += [_FORMS[wraps.get(tag.start, "n")].format(len(tags))]
        tags.append(source[tag.start : tag.end])
        after = tag.end
    parts += [_mask_lookalikes(source[after:], tags)]
    return "".join(parts), tags


def unmask_jinja(text: str, tags: list[str]) -> str:
    """Put the tags back in place of their placeholders, removing the wraps."""

    def unmask(match: re.Match[str]) -> str:
        number = int(match[1] or match[2] or match[3])
        return tags[number] if number < len(tags) else match[0]

    return _WRAPPED.sub(unmask, text)


def _mask_lookalikes(text: str, tags: list[str]) -> str:
    def mask(match: re.Match[str]) -> str:
        tags.append(match[0])
        return _FORMS["n"].format(len(tags) - 1)

    return _PLACEHOLDER.sub(mask, text)


def _wraps(source: str, tags: list[JinjaTag]) -> dict[int, str]:
    """Return the wrap of each tag that needs one, by the tag's offset."""
    wraps: dict[int, str] = {}
    waiting = iter(tags)
    tag = next(waiting, None)
    for text in read_markup(blanked(source, tags)).texts:
        while tag and tag.start < text.end:
            if tag.start >= text.offset and not text.is_comment:
                wraps[tag.start] = _wrap(tag, text.parent)
            tag = next(waiting, None)
    return wraps


def _wrap(tag: JinjaTag, parent: Element | None) -> str:
    name = parent.name if parent else ""
    if name in _IN_COMMENTS or (tag.is_comment and name in ("", "mjml", "mj-head")):
        return "c"
    return "h" if name == "mj-head" else "n"
