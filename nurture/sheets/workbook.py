"""Workbooks of Excel and LibreOffice (XLSX, ODS), measured before they are opened.

The library holds a worksheet as a full rectangle, so that two cells in opposite corners would cost
gigabytes. The XML is therefore gone through first: how far its cells reach, and whether it
declares entities, which no spreadsheet does and which can grow without end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import IO, Any
from xml.parsers import expat
from zipfile import ZipFile

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from nurture.sheets.archive import opened_archive
from nurture.sheets.limits import LARGEST_WORKBOOK, LONGEST_CELL, MOST_CELLS, SheetError
from nurture.sheets.table import SheetRecord

_SAVE_AGAIN = "Open it in a spreadsheet, and save the sheet with the addresses as CSV."
_BLOCK = 65536


@dataclass(frozen=True)
class WorksheetTable:
    """One worksheet, held in memory as the library gives it."""

    name: str
    sheet: CalamineSheet

    def records(self) -> Iterator[SheetRecord]:
        """Yield the rows of the worksheet with their numbers, without empty ones.

        A row like the one above it is left out, because a document can repeat one a million times.
        """
        first, above = (self.sheet.start or (0, 0))[0] + 1, list[object]()
        for line, row in enumerate(self.sheet.iter_rows(), first):
            if row == above:
                continue
            above = list(row)
            cells = [_text(cell) for cell in row]
            if any(cells):
                yield SheetRecord(line, cells)


def is_workbook(archive: ZipFile) -> bool:
    """Return whether an archive is a workbook: both kinds are zip archives of XML."""
    names = set(archive.namelist())
    return "[Content_Types].xml" in names or {"content.xml", "mimetype"} <= names


def worksheets_of(file: IO[bytes]) -> list[WorksheetTable]:
    """Return the worksheets that have anything in them; raise `SheetError` if none can be read."""
    with opened_archive(file) as archive:
        _measure(archive)
    file.seek(0)
    try:
        book = CalamineWorkbook.from_filelike(file)
        sheets = [WorksheetTable(name, book.get_sheet_by_name(name)) for name in book.sheet_names]
    except (CalamineError, ValueError, OSError) as error:
        raise _unreadable() from error
    except BaseException as error:
        # The library is written in Rust, whose failed assertions are no ordinary exceptions.
        if type(error).__name__ == "PanicException":
            raise _unreadable() from error
        raise
    return [one for one in sheets if one.sheet.height]


def _measure(archive: ZipFile) -> None:
    if sum(one.file_size for one in archive.infolist()) > LARGEST_WORKBOOK:
        raise SheetError("The workbook is larger than any list.", remedy=_SAVE_AGAIN)
    for member in archive.infolist():
        with archive.open(member) as file:
            if file.read(64).lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t\0").startswith(b"<"):
                file.seek(0)
                _measure_xml(file)


def _measure_xml(file: IO[bytes]) -> None:
    parser, extent = expat.ParserCreate(), _Extent()
    parser.StartDoctypeDeclHandler = _refuse_declarations
    parser.StartElementHandler = extent.begin
    try:
        for block in iter(lambda: file.read(_BLOCK), b""):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise _unreadable() from error


def _refuse_declarations(*_: Any) -> None:
    raise SheetError("The workbook declares entities, as no spreadsheet does.", remedy=_SAVE_AGAIN)


class _Extent:
    """How far the cells of a worksheet reach, in either format (ECMA-376 §18.3, ODF 1.3 §9.1)."""

    def __init__(self) -> None:
        self._row = self._column = self._rows = self._columns = 0

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Follow one element as it begins."""
        match name.rpartition(":")[2]:
            case "worksheet" | "table":
                self._row = self._column = self._rows = self._columns = 0
            case "row":
                self._row, self._column = _number(attributes, "r", self._row + 1), 0
            case "c":
                self._go_to(attributes.get("r", ""))
            case "table-row":
                self._row += _number(attributes, "table:number-rows-repeated", 1)
                self._column = 0
            case "table-cell" | "covered-table-cell":
                self._column += _number(attributes, "table:number-columns-repeated", 1)
                if any(key.startswith("office:") for key in attributes):
                    self._reach()
            case "v" | "is" | "f" | "p":
                self._reach()

    def _go_to(self, reference: str) -> None:
        letters = reference.rstrip("0123456789")
        column = 0
        for letter in letters.upper()[:8]:
            column = column * 26 + ord(letter) - 64
        self._column = column if letters else self._column + 1
        digits = reference[len(letters) :][:12]
        self._row = int(digits) if digits else self._row

    def _reach(self) -> None:
        self._rows = max(self._rows, self._row)
        self._columns = max(self._columns, self._column)
        if self._rows * self._columns > MOST_CELLS:
            raise SheetError(
                f"A worksheet reaches over more than {MOST_CELLS:,} cells.",
                remedy="Copy the rows with addresses into a new sheet, and save that.",
            )


def _number(attributes: dict[str, str], name: str, otherwise: int) -> int:
    text = attributes.get(name, "")
    return int(text[:12]) if text[:12].isdecimal() else otherwise


def _text(cell: object) -> str:
    """Return a cell as a person would type it: whole numbers without a fraction, ISO dates."""
    match cell:
        case str():
            return cell[:LONGEST_CELL]
        case bool():
            return "yes" if cell else "no"
        case float():
            return str(int(cell)) if cell.is_integer() else str(cell)
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
        case date() | time():
            return cell.isoformat()
    return str(cell)


def _unreadable() -> SheetError:
    return SheetError("The workbook is damaged or of a kind that is not read.", remedy=_SAVE_AGAIN)
