"""A file of people as it is brought in: how it is read, with what the owner corrected of that."""

import codecs
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

from nurture.domain.imports.row import ImportRow
from nurture.sheets.columns import Meaning
from nurture.sheets.limits import SheetError
from nurture.sheets.programs.known import PROGRAMS
from nurture.sheets.programs.own import OWN
from nurture.sheets.reading import SheetReading
from nurture.sheets.sheet import Sheet
from nurture.sheets.upload import open_sheets

#: How many rows of a sheet are shown, and how much of a cell.
_SHOWN, _CELL = 20, 80

_BYTES = 1024 * 1024


class ColumnRead(NamedTuple):
    """One column as it is read: its name, what it means, and its first cells."""

    name: str
    meaning: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetRead:
    """One sheet as it is read; `notes` are sentences about what is ambiguous."""

    name: str
    program: str
    encoding: str
    columns: tuple[ColumnRead, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListRead:
    """How a whole file is read; `program` is the title of the program that wrote it.

    `is_own` says that it is this program's own export, of which every cell counts.
    """

    program: str
    sheets: tuple[SheetRead, ...] = ()
    corrected: Mapping[str, str] = field(default_factory=dict)
    is_own: bool = False

    def as_values(self) -> dict[str, Any]:
        """Return it as plain JSON values; `from_values` reads them back."""
        return asdict(self)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Read back what `as_values` wrote."""
        sheets = [
            SheetRead(
                one["name"],
                one["program"],
                one["encoding"],
                tuple(ColumnRead(name, said, tuple(cells)) for name, said, cells in one["columns"]),
                tuple(one["notes"]),
            )
            for one in values["sheets"]
        ]
        return cls(values["program"], tuple(sheets), dict(values["corrected"]), values["is_own"])


class ListFile:
    """The sheets of a file, each with its reading; may raise `SheetError`, now or later.

    `columns` has meanings by the name of a column; `column 3` is the third one without a name.
    """

    def __init__(
        self,
        path: Path,
        name: str = "",
        columns: Mapping[str, str] | None = None,
        encoding: str = "",
    ) -> None:
        self._corrected = {title: _meaning(said) for title, said in (columns or {}).items()}
        sheets = [(sheet, self._reading(sheet, encoding)) for sheet in open_sheets(path, name)]
        self._insist_on_known(reading for _, reading in sheets)
        useful = [pair for pair in sheets if pair[1].has_addresses]
        self._sheets = useful or sheets

    @cached_property
    def description(self) -> ListRead:
        """How the file is read, with the first rows."""
        titles = dict.fromkeys(PROGRAMS[reading.program].title for _, reading in self._sheets)
        shown = tuple(_described(sheet, reading) for sheet, reading in self._sheets)
        is_own = all(reading.program == OWN.key for _, reading in self._sheets)
        return ListRead(" and ".join(titles), shown, dict(self._corrected), is_own)

    def rows(self) -> Iterator[ImportRow]:
        """Yield the rows of all sheets that have addresses, or of all if none has."""
        for sheet, reading in self._sheets:
            yield from sheet.rows(reading)

    def _reading(self, sheet: Sheet, encoding: str) -> SheetReading:
        reading = sheet.reading
        if encoding and reading.encoding:
            reading = replace(reading, encoding=_known_encoding(encoding))
        columns = dict(reading.columns)
        for index, name in enumerate(_names(reading, len(reading.headers))):
            if name in self._corrected:
                columns[index] = self._corrected[name]
        for name, meaning in self._corrected.items():
            number = name.removeprefix("column ")
            if not reading.headers and number.isascii() and number.isdecimal():
                columns[int(number) - 1] = meaning
        return replace(reading, columns=columns)

    def _insist_on_known(self, readings: Iterator[SheetReading]) -> None:
        known = {name for one in readings for name in _names(one, max(one.columns, default=-1) + 1)}
        for name in self._corrected:
            if name not in known:
                raise SheetError(
                    f"There is no column “{name[:60]}”.",
                    remedy=f"The columns are {', '.join(sorted(known))[:400]}.",
                )


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _described(sheet: Sheet, reading: SheetReading) -> SheetRead:
    sample = sheet.sample(_SHOWN)
    width = max([len(reading.headers), *(len(one.cells) for one in sample)])
    columns = tuple(
        ColumnRead(
            name,
            str(reading.columns.get(index, Meaning.IGNORED)),
            tuple(one.cells[index][:_CELL] if index < len(one.cells) else "" for one in sample),
        )
        for index, name in enumerate(_names(reading, width))
    )
    title = PROGRAMS[reading.program].title
    return SheetRead(sheet.name, title, reading.encoding, columns, reading.notes)


def _names(reading: SheetReading, width: int) -> list[str]:
    """Return the names of columns; one without a name has its place for one."""
    headers = reading.headers
    return [
        (headers[index] if index < len(headers) else "") or f"column {index + 1}"
        for index in range(max(width, len(headers)))
    ]


def _meaning(said: str) -> Meaning:
    try:
        return Meaning(said)
    except ValueError:
        kinds = ", ".join(one for one in Meaning if one is not Meaning.OWN)
        raise SheetError(
            f"“{said[:60]}” is nothing that a column can mean.", remedy=f"Choose one of {kinds}."
        ) from None


def _known_encoding(name: str) -> str:
    try:
        found = codecs.lookup(name).name
        b"".decode(found)
    except (LookupError, ValueError):
        raise SheetError(
            f"“{name[:60]}” is no encoding of text.", remedy="Say, for example, cp1252 or utf-8."
        ) from None
    return found
