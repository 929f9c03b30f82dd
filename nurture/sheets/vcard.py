"""Cards of an address book (vCard 2.1, 3.0 and 4.0; RFC 6350), read as a table."""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from quopri import decodestring
from typing import NamedTuple

from nurture.sheets.delimited import Opener, lines_of
from nurture.sheets.limits import LONGEST_CELL
from nurture.sheets.table import SheetRecord

#: The first record, which names the others' cells.
HEADER = ("email", "first name", "last name", "phone", "categories", "time zone")

_OPTION = r';[^:;"]*(?:"[^"]*"[^:;"]*)*'
_LINE = re.compile(rf"(?:[\w-]+\.)?(?P<name>[\w-]+)(?P<options>(?:{_OPTION})*):")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BETWEEN = re.compile(r"(?<!\\);")


class _Property(NamedTuple):
    name: str
    options: str
    value: str

    @property
    def preference(self) -> int:
        """The place from 1 to 100 (RFC 6350 §5.3), and 101 of what is not preferred."""
        found = re.search(r"\bPREF\b(?:=\"?(\d{1,3}))?", self.options, re.IGNORECASE)
        return int(found[1] or 1) if found else 101


@dataclass(frozen=True)
class CardTable:
    """A file of cards; each card is a record, at the line where it begins."""

    opener: Opener
    encoding: str

    def records(self) -> Iterator[SheetRecord]:
        """Yield a header, which stands on no line, and then a record for each card."""
        yield SheetRecord(0, list(HEADER))
        begun, card = 1, list[_Property]()
        with self.opener() as raw, closing(lines_of(raw, self.encoding)) as lines:
            for line, text in _unfolded(lines):
                found = _property(text)
                if found and found.name == "BEGIN":
                    begun, card = line, []
                elif found and found.name == "END":
                    yield SheetRecord(begun, _cells(card))
                elif found:
                    card.append(found)


def _unfolded(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    """Yield whole lines with their numbers; a picture is cut, because nobody reads it."""
    begun, whole = 1, ""
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        soft = whole.endswith("=") and "QUOTED-PRINTABLE" in whole[:200].upper()
        if text[:1] in (" ", "\t") or soft:
            rest = text if soft else text[1:]
            whole = whole[:-1] + rest if soft else whole + rest
            whole = whole[:LONGEST_CELL]
            continue
        if whole:
            yield begun, whole
        begun, whole = number, text[:LONGEST_CELL]
    if whole:
        yield begun, whole


def _property(line: str) -> _Property | None:
    found = _LINE.match(line)
    if found is None:
        return None
    value, options = line[found.end() :], found["options"]
    if "QUOTED-PRINTABLE" in options.upper():
        charset = re.search(r"CHARSET=([\w-]+)", options, re.IGNORECASE)
        value = _decoded(value, charset[1] if charset else "utf-8")
    return _Property(found["name"].upper(), options, value)


def _decoded(value: str, charset: str) -> str:
    content = decodestring(value.encode("utf-8"))
    try:
        return content.decode(charset, errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")


def _cells(card: list[_Property]) -> list[str]:
    last, first = _names(card)
    tags = _plain(_value(card, "CATEGORIES"))
    return [_value(card, "EMAIL"), first, last, _value(card, "TEL"), tags, _value(card, "TZ")]


def _names(card: list[_Property]) -> tuple[str, str]:
    """Return the family name and the given name, from `N` or, where that is empty, from `FN`."""
    last, first, *_ = (*map(_plain, _BETWEEN.split(_value(card, "N"))), "", "")
    if last or first:
        return last, first
    first, _, last = _plain(_value(card, "FN")).partition(" ")
    return last, first


def _value(card: list[_Property], name: str) -> str:
    """Return the preferred value of a name, or else the first one."""
    those = [one for one in card if one.name == name and one.value.strip()]
    return _bare(min(those, key=lambda one: one.preference)) if those else ""


def _bare(one: _Property) -> str:
    value = one.value.strip()
    return value.removeprefix("tel:") if one.name == "TEL" else value


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], value).strip()
