"""Tracking: rewriting every external link so that its clicks can be counted.

A template contains `{{ link(…) }}` in its place, which decides per person what the link becomes.
Links are named by number, so that nothing an author wrote becomes part of an expression.
"""

import re
from collections.abc import Iterator
from html import unescape

from nurture.rendering.syntax.masks import unmask_jinja

#: Values that lead to other websites; clicks on them are counted for those who agreed.
FOLLOWED = frozenset({"article_url", "blog_url", "booking_url", "website_url"})

#: Elements that a person clicks; what a `<link>` names is fetched without a click.
_CLICKED = re.compile(r"<(?:a|area|v:\w+)(?=[\s/])(?:[^\"'>]|\"[^\"]*\"|'[^']*')*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)")

_VALUE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
_TAG = re.compile(r"qjinja([0-9]+)n")
_ANY_TAG = re.compile(r"qjinja([0-9]+)[nhc]")
_ADDRESS = re.compile(r"https?://[\w\[]", re.IGNORECASE)
_START = re.compile(rf"{_ADDRESS.pattern}|qjinja[0-9]+n", re.IGNORECASE)
_RUN = re.compile(r"[^\s<>\"]+")

#: What may follow a value as part of its URL.
_BEHIND = ("/", "?", "#", "&")

#: Characters that end a sentence or quotation rather than a URL in it.
_CLOSING = ".,;:!?…'’”»*"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


class Links:
    """The external links of one email, numbered in order of appearance."""

    def __init__(self) -> None:
        self.addresses: list[str] = []

    def follow_in_html(self, html: str, tags: list[str]) -> str:
        """Rewrite the `href` of clickable elements in HTML with masked Jinja tags."""
        return _CLICKED.sub(lambda tag: self._in_element(tag[0], tags), html)

    def follow_in_text(self, text: str, tags: list[str]) -> str:
        """Rewrite each URL, and each value that is one, in plain text with masked Jinja tags."""
        pieces, after = [], 0
        for start, end in places_in_text(text, tags):
            if counted := self._counted(text[start:end], tags):
                pieces += [text[after:start], counted]
                after = end
        return "".join([*pieces, text[after:]])

    def _in_element(self, element: str, tags: list[str]) -> str:
        return _ATTRIBUTE.sub(lambda found: self._in_attribute(found, tags), element)

    def _in_attribute(self, found: re.Match[str], tags: list[str]) -> str:
        value = found[3][1:-1] if found[3][0] in "\"'" else found[3]
        target = unescape(value).strip()
        counted = self._counted(target, tags) if found[1].lower() == "href" else ""
        return f'{found[1]}="{counted}"' if counted else found[0]

    def _counted(self, target: str, tags: list[str]) -> str:
        """Return the expression that replaces a link, or an empty string if it is not counted."""
        value, behind = _taken_apart(target, tags)
        if _ANY_TAG.search(behind) or not (value or _ADDRESS.match(behind)):
            return ""
        if value and not behind:
            return f"{{{{ link({value}) }}}}"
        return self._numbered(value + behind) if not value or behind.startswith(_BEHIND) else ""

    def _numbered(self, address: str) -> str:
        if address not in self.addresses:
            self.addresses.append(address)
        return f"{{{{ link({self.addresses.index(address)}) }}}}"


def places_in_text(text: str, tags: list[str]) -> Iterator[tuple[int, int]]:
    """Yield where each URL begins and ends in plain text with masked Jinja tags.

    A URL between `<` and `>` is used whole (RFC 3986, appendix C); any other ends before the
    punctuation that closes the sentence or bracket around it.
    """
    at = 0
    while start := _START.search(text, at):
        begin, at = start.start(), start.end()
        if _TAG.fullmatch(start[0]) and not _followed(start[0], tags):
            continue
        run = _RUN.match(text, begin)
        assert run is not None  # It matches at least what was found.
        at = _end_of_choice(text, begin, run.end(), tags)
        between = text[begin - 1 : begin] == "<" and text[at : at + 1] == ">"
        yield begin, at if between else begin + len(_without_closing(text[begin:at]))


def addresses_in(*sources: str) -> set[str]:
    """Return the URLs written out in an email's sources."""
    found = ((source, place) for source in sources for place in places_in_text(source, []))
    return {unescape(source[start:end]) for source, (start, end) in found}


def in_brackets(address: str) -> str:
    """Put a URL, its Jinja tags masked, in brackets from which it can be read back whole."""
    value = _TAG.match(address)
    said = f"(https://example.org{address[value.end() :]})." if value else f"({address})."
    whole = [(1, len(said) - 2)]
    read = list(places_in_text(said, []))
    return f"<{address}>" if read and read != whole else f"({address})"


def _taken_apart(target: str, tags: list[str]) -> tuple[str, str]:
    """Split a link into the tracked value that it begins with, if any, and the rest."""
    first = _TAG.match(target)
    value = _followed(first[0], tags) if first else ""
    return (value, target[first.end() :]) if first and value else ("", target)


def _followed(masked: str, tags: list[str]) -> str:
    """Return the name of the value that a masked tag prints if links to it are counted, or ""."""
    tag = _TAG.fullmatch(masked)
    value = _VALUE.fullmatch(tags[int(tag[1])]) if tag and int(tag[1]) < len(tags) else None
    return value[1] if value and value[1] in FOLLOWED else ""


def _end_of_choice(text: str, begin: int, end: int, tags: list[str]) -> int:
    """Return where a URL must end: before an `{% if %}` or `{% endif %}` that follows it."""
    for tag in _TAG.finditer(text, begin + 1, end):
        rest = text[tag.end() : end]
        is_choice = unmask_jinja(tag[0], tags).startswith(("{%", "{#"))
        if is_choice and (not rest.strip(_CLOSING + ")]}") or _START.match(rest)):
            return tag.start()
    return end


def _without_closing(address: str) -> str:
    while address and (address[-1] in _CLOSING or _closes_nothing(address)):
        address = address[:-1]
    return address


def _closes_nothing(address: str) -> bool:
    opening = _BRACKETS.get(address[-1])
    return opening is not None and address.count(opening) < address.count(address[-1])
