"""Checking an email's MJML, giving the line, the column and the next step for each fault.

The compiler accepts misspelt elements, wrong nesting and unknown attributes, loses Jinja tags
in some places, and names no line when it does report an error.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nurture.rendering.syntax.components import Component, components, expected_value
from nurture.rendering.syntax.jinja_places import misplaced_tags
from nurture.rendering.syntax.jinja_tags import FILLER, JinjaTagError, blanked, jinja_tags
from nurture.rendering.syntax.mjml import (
    Attribute,
    Document,
    Element,
    Fault,
    Text,
    is_condition,
    read_markup,
)


@dataclass(frozen=True, slots=True)
class LintProblem:
    """One thing to correct; `line` and `column` count from one."""

    line: int
    column: int
    message: str
    remedy: str

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}: {self.message}"
        return f"{place}; {self.remedy}" if self.remedy else place


def lint_mjml(source: str) -> list[LintProblem]:
    """Return everything to correct in MJML with Jinja tags, in line order.

    Includes must already be spliced in. The list is empty if the compiler will do what the
    author of the source meant; nothing is raised.
    """
    try:
        tags = jinja_tags(source)
    except JinjaTagError as error:
        return [_finding(source, Fault(error.offset, error.message, error.remedy))]
    document = read_markup(blanked(source, tags))
    faults = {*document.faults, *misplaced_tags(document, tags), *_faults_of(document)}
    return [
        _finding(source, fault) for fault in sorted(faults, key=lambda f: (f.offset, f.message))
    ]


def _finding(source: str, fault: Fault) -> LintProblem:
    line = source.count("\n", 0, fault.offset) + 1
    column = fault.offset - source.rfind("\n", 0, fault.offset)
    return LintProblem(line, column, fault.message, fault.remedy)


def _faults_of(document: Document) -> Iterator[Fault]:
    yield from _frame_faults(document)
    for element in document.elements:
        if not _is_mjml(element.name):
            yield from _html_faults(element)
        elif component := components().get(element.name):
            yield from _component_faults(element, component)
        else:
            yield _unknown_element(element)
    for text in document.texts:
        yield from _comment_faults(text) if text.is_comment else _text_faults(text)


def _is_mjml(name: str) -> bool:
    return name.lower() == "mjml" or name.lower().startswith("mj-")


def _frame_faults(document: Document) -> Iterator[Fault]:
    """Require one `<mjml>` with one `<mj-body>` and at most one `<mj-head>`."""
    for name in ("mjml", "mj-head", "mj-body"):
        for again in [e for e in document.elements if e.name == name and _is_framed(e)][1:]:
            yield Fault(again.offset, f"a second <{name}>", "the compiler uses one: merge them")
    names = [element.name for element in document.elements]
    if "mjml" not in names:
        yield Fault(0, "no <mjml> around the email", "write <mjml> … </mjml> around it")
    elif "mj-body" not in names:
        offset = document.elements[names.index("mjml")].offset
        yield Fault(offset, "<mjml> without <mj-body>", "the email's content belongs in <mj-body>")


def _is_framed(element: Element) -> bool:
    return element.name == "mjml" or (element.parent is not None and element.parent.name == "mjml")


def _unknown_element(element: Element) -> Fault:
    if element.name == "mj-include":
        path = element.attribute("path")
        message = f"unknown include {path.value if path else ''}".strip()
        return Fault(element.offset, message, "check the path of the part")
    return Fault(
        element.offset,
        f"unknown element <{element.name}>",
        _nearest(element.name, components(), tag=True),
    )


def _nearest(name: str, known: Iterable[str], *, tag: bool = False) -> str:
    near = difflib.get_close_matches(name.lower(), list(known), n=1)
    if not near:
        return "leave it out"
    return f"did you mean <{near[0]}>?" if tag else f"did you mean {near[0]}?"


def _component_faults(element: Element, component: Component) -> Iterator[Fault]:
    if element.name == "mj-html-attributes":
        yield Fault(
            element.offset,
            "the compiler refuses <mj-html-attributes>",
            "write the attributes where they belong, inside <mj-text> or <mj-raw>",
        )
    yield from _place_faults(element, component)
    for attribute in element.attributes:
        yield from _attribute_faults(element, component, attribute)
    yield from _repeated_attributes(element)
    if element.name == "mj-class" or not _sets_defaults(element):
        yield from _missing_attributes(element)


def _sets_defaults(element: Element) -> bool:
    return element.parent is not None and element.parent.name == "mj-attributes"


def _place_faults(element: Element, component: Component) -> Iterator[Fault]:
    parent = element.parent.name if element.parent else ""
    if parent in component.parents or (not parent and not component.parents):
        return
    if parent == "mj-attributes" and component.parents and "mj-head" not in component.parents:
        return
    if parent and _is_mjml(parent) and parent not in components():
        return
    where = f"<{element.name}> may not stand " + (f"in <{parent}>" if parent else "here")
    *most, last = [f"<{name}>" for name in component.parents] or ["no other element"]
    homes = f"{', '.join(most)} or {last}" if most else last
    yield Fault(element.offset, where, f"put it in {homes}")


def _attribute_faults(
    element: Element, component: Component, attribute: Attribute
) -> Iterator[Fault]:
    name, value = attribute.name, attribute.value
    if FILLER in name:
        return
    kind = component.attributes.get(name)
    if kind is None:
        remedy = _nearest(name, component.attributes)
        yield Fault(attribute.offset, f"unknown attribute {name} on <{element.name}>", remedy)
    elif name in component.ignored or (element.name, name) == ("mj-style", "inline"):
        message = f"the compiler ignores {name} on <{element.name}>"
        yield Fault(attribute.offset, message, "leave it out")
    elif value is not None and FILLER not in value and (expected := expected_value(kind, value)):
        message = f'{name}="{value}" on <{element.name}> has the wrong form'
        yield Fault(attribute.offset, message, f"write {expected}")
    yield from _value_faults(attribute)


def _value_faults(attribute: Attribute) -> Iterator[Fault]:
    if attribute.value is None:
        message = f"{attribute.name} without a value"
        yield Fault(attribute.offset, message, f'write {attribute.name}="…"')
        return
    yield from _spoilt_characters(attribute)


def _spoilt_characters(attribute: Attribute) -> Iterator[Fault]:
    """Report characters that the compiler writes as escapes no email client understands."""
    for character in attribute.value or "":
        if character != FILLER and is_spoilt(character):
            name = _name_of(character)
            message = f"the compiler spoils the {name} in the value of {attribute.name}"
            yield Fault(attribute.offset, message, _spelling(character))
            return


def _name_of(character: str) -> str:
    names = {"\n": "line break", "\r": "line break", "\t": "tab"}
    unnamed = f"character {ord(character)}"
    return names.get(character) or unicodedata.name(character, unnamed).lower()


def is_spoilt(character: str) -> bool:
    """Return whether the compiler escapes this character in an attribute's value."""
    extends = unicodedata.category(character) in ("Mn", "Me")
    return character in '"\\' or extends or not character.isprintable()


def _spelling(character: str) -> str:
    if character in "\n\r\t":
        return "write the value on one line"
    return "write &quot;" if character == '"' else f"write &#{ord(character)};"


def _repeated_attributes(element: Element) -> Iterator[Fault]:
    seen: set[str] = set()
    for attribute in element.attributes:
        if attribute.name in seen and FILLER not in attribute.name:
            message = f"{attribute.name} stands twice on <{element.name}>"
            yield Fault(attribute.offset, message, "the last one counts: leave the other out")
        seen.add(attribute.name)


_NEEDED = {
    "mj-image": {
        "alt": 'describe the image in alt="…", or write alt="" for mere decoration',
        "src": 'give the address of the image in src="…"',
    },
    "mj-carousel-image": {"alt": 'describe the image in alt="…"'},
    "mj-button": {"href": 'say where the button leads in href="…"'},
    "mj-navbar-link": {"href": 'say where the link leads in href="…"'},
    "mj-class": {"name": 'give the class a name in name="…"'},
    "img": {"alt": 'describe the image in alt="…", or write alt="" for mere decoration'},
    "a": {"href": 'say where the link leads in href="…"'},
}


def _missing_attributes(element: Element) -> Iterator[Fault]:
    if element.has_loose_jinja and not _is_mjml(element.name):
        return
    for name, remedy in _NEEDED.get(element.name.lower(), {}).items():
        found = element.attribute(name)
        if found is None or not (found.value or name == "alt"):
            yield Fault(element.offset, f"<{element.name}> without {name}", remedy)


def _html_faults(element: Element) -> Iterator[Fault]:
    parent = element.parent
    if parent is None:
        yield Fault(element.offset, f"<{element.name}> outside <mjml>", "put it in <mj-text>")
    elif (component := components().get(parent.name)) and component.holds != "html":
        message = f"<{element.name}> may not stand in <{parent.name}>"
        yield Fault(element.offset, message, _home_of_html(component))
    for attribute in element.attributes:
        yield from _spoilt_characters(attribute)
    yield from _repeated_attributes(element)
    yield from _missing_attributes(element)


def _home_of_html(component: Component) -> str:
    if component.holds == "text":
        return "only plain text may stand there"
    return "put it in <mj-text> or <mj-raw>"


def _text_faults(text: Text) -> Iterator[Fault]:
    parent = text.parent.name if text.parent else ""
    if parent == "mj-style":
        yield from _style_faults(text)
    if parent in _TIGHT:
        yield from _space_faults(text, parent)
    yield from _angle_faults(text, parent)
    words = text.content.replace(FILLER, " ").replace("\ufeff", " ")
    if not words.strip():
        return
    offset = text.offset + len(words) - len(words.lstrip())
    component = components().get(parent)
    if not parent:
        yield Fault(offset, "text outside <mjml>", "put it in <mj-text>")
    elif component and component.holds in ("elements", "nothing"):
        yield Fault(offset, f"text may not stand in <{parent}>", "put it in <mj-text>")


#: In these, the compiler skips white space that begins with a line feed, and rejects any other.
_TIGHT = frozenset(
    {"mj-accordion", "mj-accordion-element", "mj-attributes", "mj-carousel", "mj-head"}
    | {"mj-navbar", "mj-social"}
)


def _space_faults(text: Text, parent: str) -> Iterator[Fault]:
    for gap in re.finditer(rf"[^{FILLER}]+", text.content):
        if gap[0].isspace() and not gap[0].startswith("\n"):
            kind = "a carriage return" if gap[0].startswith("\r\n") else "a space after an element"
            message = f"{kind} in <{parent}>, which the compiler refuses"
            yield Fault(text.offset + gap.start(), message, "end the line without it")
            return


def _angle_faults(text: Text, parent: str) -> Iterator[Fault]:
    """Report a first `>` that the compiler fails on: two bytes before it is mid-character."""
    before, mark, _ = text.content.replace(FILLER, "x").partition(">")
    if not mark:
        return
    offset = text.offset + len(before)
    if before.endswith("]]"):
        yield Fault(offset, "the compiler refuses ]]>", "write ]]&gt;")
    elif (
        not _ends_with_whole_letters(before.encode(errors="replace")[:-2]) and parent != "mj-style"
    ):
        yield Fault(offset, f"the compiler breaks on the > after {before[-2:]!r}", "write &gt;")


def _ends_with_whole_letters(begun: bytes) -> bool:
    try:
        begun.decode()
    except UnicodeDecodeError:
        return False
    return True


def _style_faults(text: Text) -> Iterator[Fault]:
    for index, character in enumerate(text.content):
        if not character.isascii() and character != FILLER:
            message = f"{character!r} in <mj-style>, where only ASCII is safe in mail"
            yield Fault(text.offset + index, message, f"write \\{ord(character):x} in the CSS")
            return


#: A comment in these makes the compiler reject the whole email; in `<mj-wrapper>` it is written
#: inside a comment for Outlook, which it ends too early.
_WITHOUT_COMMENTS = frozenset(
    {"mj-accordion-element", "mj-accordion-title", "mj-attributes", "mj-carousel"}
    | {"mj-style", "mj-title", "mj-wrapper"}
)

#: Only in these, and in the HTML inside them, does the compiler read conditional comments.
_WITH_CONDITIONS = frozenset(
    {"mj-accordion-text", "mj-navbar-link", "mj-raw", "mj-social-element", "mj-text"}
)


def _comment_faults(text: Text) -> Iterator[Fault]:
    parent = text.parent.name if text.parent else "mjml"
    component = components().get(parent)
    around = _component_around(text)
    if is_condition(text) and around in components() and around not in _WITH_CONDITIONS:
        message = f"a conditional comment may not stand in <{around}>"
        yield Fault(text.offset, message, "put it in <mj-raw>")
    elif component and (parent in _WITHOUT_COMMENTS or component.holds == "nothing"):
        message = f"a comment may not stand in <{parent}>"
        yield Fault(text.offset, message, "put it before or after")


def _component_around(text: Text) -> str:
    element = text.parent
    while element and not _is_mjml(element.name):
        element = element.parent
    return element.name if element else "mjml"
