"""A tolerant MJML parser: a tree in which every part has its offset, whatever its faults.

It is as strict as the compiler (values in quotes, no bare `<`, lower-case void elements), but
where the compiler stops, or guesses in silence, this parser records a fault and continues.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nurture.rendering.syntax.jinja_tags import FILLER

#: HTML elements without content, in the only spelling that the compiler accepts for them.
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img"}
    | {"input", "link", "meta", "param", "source", "track", "wbr"}
)

_MARKUP = re.compile(r"(?:<!--)?<!\[endif|<!(?:--)?\[if|<!--|<!\[CDATA\[|<[!?]|</|<")

#: One end of a conditional comment. To the compiler, what is between two of them is markup.
_CONDITION = re.compile(
    r"(?:<!(?:--)?\[if[^\]]*|<!\[endif|<!--<!\[endif[^\]]*)\](?:>-->|><!-->|-->|>)"
)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NAME = re.compile(r"[A-Za-z][\w.-]*(?::[\w.-]+)?")
_CLOSING = re.compile(r"(\s*+)([A-Za-z][\w:.-]*+)\s*+([^<>]*+)>")
_TAG_END = re.compile(r"\s*(/?)>")

#: A value containing this has swallowed the next tag, because its own quote is missing.
_SWALLOWED_TAG = re.compile(r">[^<]*<[/!A-Za-z]")
_VALUE = re.compile(r"\s*=")
_NAME_AND_VALUE = re.compile(r"([^\s=<>\"']+)\s*=\s*(.?)")
_REST_OF_TAG = re.compile(r"[^<>]*?(/?)(?:>|(?=<)|\Z)")

#: White space, then either a Jinja tag alone, or a name with its value in quotes.
_ATTRIBUTE = re.compile(
    rf"(\s*)(?:({FILLER}+)(?=[\s/>])"
    rf"|([^\W\d][\w:.{FILLER}-]*|:[\w:.-]+|{FILLER}+[\w:.{FILLER}-]+)"
    r"""(?:\s*=\s*("[^"]*"|'[^']*'))?)"""
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at an offset, and the next step to correct it."""

    offset: int
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of an element.

    `value` is None if none is given; `offset` is where the name begins, `end` is after the value.
    """

    name: str
    value: str | None
    offset: int
    end: int


@dataclass(slots=True, eq=False)
class Element:
    """One element; its name is as written, and `parent` is None outside the root."""

    name: str
    offset: int
    parent: "Element | None"
    attributes: list[Attribute]

    def attribute(self, name: str) -> Attribute | None:
        """Return the attribute of that name, or None."""
        return next((a for a in self.attributes if a.name == name), None)

    @property
    def has_loose_jinja(self) -> bool:
        """Whether a Jinja tag appears among the attributes and may write some of them."""
        return any(FILLER in attribute.name for attribute in self.attributes)


@dataclass(frozen=True, slots=True)
class Text:
    """Characters between tags, or inside a comment; `parent` is None outside the root."""

    content: str
    offset: int
    parent: Element | None
    is_comment: bool = False

    @property
    def end(self) -> int:
        """The offset after the last character."""
        return self.offset + len(self.content)


def is_condition(text: Text) -> bool:
    """Return whether this is one end of a conditional comment, such as `<!--[if mso]>`."""
    return text.is_comment and bool(_CONDITION.fullmatch(text.content))


@dataclass(slots=True)
class Document:
    """Everything found, in the order of the source."""

    elements: list[Element] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read_markup(blank: str) -> Document:
    """Parse MJML whose Jinja tags are overwritten by FILLER; never raise."""
    return _Reader(blank).read()


class _Reader:
    """One pass over the source, with the elements that are open."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._open: list[Element] = []
        self._document = Document()

    def read(self) -> Document:
        if found := _UNPRINTABLE.search(self._source):
            self._fault(found.start(), f"control character {ord(found[0])}", "leave it out")
        while self._at < len(self._source):
            self._read_text()
            if mark := _MARKUP.match(self._source, self._at):
                self._read_markup(mark[0])
        for element in reversed(self._open):
            self._fault(element.offset, *_unclosed(element, "the end of the file"))
        return self._document

    def _read_text(self) -> None:
        end = self._source.find("<", self._at)
        self._keep_text(end if end >= 0 else len(self._source))

    def _keep_text(self, end: int, *, is_comment: bool = False) -> None:
        if end > self._at:
            content = self._source[self._at : end]
            self._document.texts.append(Text(content, self._at, self._parent, is_comment))
        self._at = end

    @property
    def _parent(self) -> Element | None:
        return self._open[-1] if self._open else None

    def _fault(self, offset: int, message: str, remedy: str) -> None:
        self._document.faults.append(Fault(offset, message, remedy))

    def _read_markup(self, mark: str) -> None:
        if mark == "<!--":
            self._read_comment()
        elif mark.endswith("if"):
            self._read_condition()
        elif mark in ("<!", "<?", "<![CDATA["):
            self._fault(self._at, "a declaration the compiler cannot read", "leave it out")
            self._skip_past("]]>" if mark == "<![CDATA[" else ">", 2)
        elif mark == "</":
            self._read_closing_tag()
        else:
            self._read_opening_tag()

    def _skip_past(self, mark: str, least: int) -> None:
        end = self._source.find(mark, self._at + least)
        self._at = end + len(mark) if end >= 0 else len(self._source)

    def _read_comment(self) -> None:
        start = self._at
        end = self._source.find("-->", start + 4)
        if end < 0:
            self._fault(start, "a comment without an end", "close it with -->")
            end = len(self._source) - 3
            self._open.clear()
        self._check_comment(start, self._source[start + 4 : end])
        self._keep_text(end + 3, is_comment=True)

    def _check_comment(self, start: int, content: str) -> None:
        if "--" in content or content.endswith("-"):
            self._fault(start, "a comment with -- inside", "write a single hyphen or a dash")

    def _read_condition(self) -> None:
        match = _CONDITION.match(self._source, self._at)
        if match:
            self._keep_text(match.end(), is_comment=True)
            return
        remedy = "write <!--[if mso]> … <![endif]-->"
        self._fault(self._at, "a condition the compiler cannot read", remedy)
        self._skip_past(">", 2)

    def _read_closing_tag(self) -> None:
        start = self._at
        match = _CLOSING.match(self._source, start + 2)
        if match is None or match[1] or match[3]:
            self._fault(start, "a closing tag the compiler cannot read", "write it as </name>")
        if match is None:
            self._skip_past(">", 2)
            return
        self._at = match.end()
        self._close(match[2], start)

    def _close(self, name: str, start: int) -> None:
        names = [element.name for element in self._open]
        if any(_are_same(name, other) for other in names):
            self._close_down_to(name)
        elif name.lower() in VOID:
            self._fault(start, f"<{name}> has no closing tag", f"leave </{name}> out")
        elif names and difflib.get_close_matches(name, names[-1:]):
            self._fault(start, f"unknown closing tag </{name}>", f"did you mean </{names[-1]}>?")
            self._open.pop()
        else:
            remedy = f"<{names[-1]}> is open here" if names else "leave it out"
            self._fault(start, f"</{name}> closes nothing", remedy)

    def _close_down_to(self, name: str) -> None:
        while not _are_same(name, (element := self._open.pop()).name):
            self._fault(element.offset, *_unclosed(element, f"</{name}>"))

    def _read_opening_tag(self) -> None:
        start = self._at
        match = _NAME.match(self._source, start + 1)
        if match is None:
            self._refuse_bare_bracket()
            return
        self._at = match.end()
        element = Element(match[0], start, self._parent, list(self._read_attributes()))
        self._document.elements.append(element)
        self._end_opening_tag(element)

    def _refuse_bare_bracket(self) -> None:
        if self._source.startswith(FILLER, self._at + 1):
            self._fault(self._at, "a Jinja tag as an element's name", "write the name out")
        else:
            self._fault(self._at, "a bare <", "write &lt;")
        self._at += 1

    def _read_attributes(self) -> Iterator[Attribute]:
        while not _TAG_END.match(self._source, self._at):
            match = _ATTRIBUTE.match(self._source, self._at)
            if match is None or not self._is_sound(match):
                return
            self._at = match.end()
            value = match[4][1:-1] if match[4] else None
            yield Attribute(match[2] or match[3], value, match.end(1), match.end())

    def _is_sound(self, match: re.Match[str]) -> bool:
        if not match[1]:
            self._fault(match.start(), "no space between two attributes", "put a space here")
        value = match[4] or ""
        is_runaway = _SWALLOWED_TAG.search(value)
        return not is_runaway and (bool(value) or not _VALUE.match(self._source, match.end()))

    def _end_opening_tag(self, element: Element) -> None:
        ending = _TAG_END.match(self._source, self._at) or self._refuse_rest_of_tag(element)
        self._at = ending.end()
        if element.name.lower() not in VOID:
            if not ending[1]:
                self._open.append(element)
        elif element.name not in VOID:
            remedy = f"write <{element.name.lower()}>"
            self._fault(element.offset, f"<{element.name}> in capital letters", remedy)

    def _refuse_rest_of_tag(self, element: Element) -> re.Match[str]:
        faults = self._document.faults
        if not faults or faults[-1].offset < element.offset:
            self._fault(*self._why_unreadable(element))
        rest = _REST_OF_TAG.match(self._source, self._at)
        assert rest is not None  # It matches the empty string too.
        return rest

    def _why_unreadable(self, element: Element) -> tuple[int, str, str]:
        offset = self._at
        while self._source[offset : offset + 1].isspace():
            offset += 1
        given = _NAME_AND_VALUE.match(self._source, offset)
        if not given:
            return offset, f"<{element.name}> cannot be read from here", "is a quote missing?"
        name = given[1].replace(FILLER, "")
        if not _ATTRIBUTE.match(self._source, offset):
            return offset, f"{name} cannot be an attribute's name", "begin it with a letter"
        if given[2] in ("'", '"'):
            return offset, f"the value of {name} has no closing quote", "close it"
        return offset, f"the value of {name} stands without quotes", f'write {name}="…"'


def _unclosed(element: Element, before: str) -> tuple[str, str]:
    return f"<{element.name}> is not closed", f"write </{element.name}> before {before}"


def _are_same(name: str, other: str) -> bool:
    """Return whether two names match, ignoring case in HTML but not in MJML."""
    return name == other or (not name.startswith("mj") and name.lower() == other.lower())
