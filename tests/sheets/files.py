"""Files of people, made for a test: texts, archives and workbooks."""

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from nurture.domain.imports.piles import Pile, pile_of
from nurture.domain.imports.row import ImportRow
from nurture.domain.imports.statement import NOTHING_SAID
from nurture.sheets.sheet import Sheet
from nurture.sheets.upload import open_sheets

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_OPEN = "urn:oasis:names:tc:opendocument:xmlns"


def written(folder: Path, name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
    """Write a file and return where it is."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def table(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    """Return rows as the CSV writer has them."""
    text = StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def archive(folder: Path, name: str, members: Mapping[str, str | bytes]) -> Path:
    """Write a zip archive of these files."""
    path = folder / name
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        for member, content in members.items():
            packed.writestr(member, content)
    return path


def link(name: str) -> ZipInfo:
    """Return an archive's entry of that name which is a symbolic link."""
    entry = ZipInfo(name)
    entry.external_attr = 0o120777 << 16
    return entry


def worksheet(rows: Sequence[Sequence[str | float]]) -> str:
    """Return the XML of a worksheet with texts and numbers."""
    lines = "".join(_line(number, row) for number, row in enumerate(rows, 1))
    return sheet_data(lines)


def sheet_data(lines: str) -> str:
    """Return a worksheet whose rows are given as XML."""
    return f"<worksheet {_MAIN}><sheetData>{lines}</sheetData></worksheet>"


def _line(number: int, row: Sequence[str | float]) -> str:
    cells = "".join(_cell(number, place, cell) for place, cell in enumerate(row))
    return f'<row r="{number}">{cells}</row>'


def _cell(line: int, place: int, cell: str | float) -> str:
    reference = f"{chr(65 + place)}{line}"
    if isinstance(cell, str):
        return f'<c r="{reference}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
    return f'<c r="{reference}"><v>{cell}</v></c>'


def workbook(folder: Path, name: str, sheets: Mapping[str, str]) -> Path:
    """Write an XLSX workbook of worksheets, given as XML by name (ECMA-376)."""
    numbered = list(enumerate(sheets, 1))
    listed = "".join(f'<sheet name="{each}" sheetId="{n}" r:id="rId{n}"/>' for n, each in numbered)
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n, _ in numbered
    )
    return archive(
        folder,
        name,
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"></Types>',
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>",
            "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>{listed}</sheets>'
            "</workbook>",
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f"{related}</Relationships>",
            **{f"xl/worksheets/sheet{n}.xml": sheets[each] for n, each in numbered},
        },
    )


def document(folder: Path, name: str, rows: str) -> Path:
    """Write an ODS spreadsheet with one table, whose rows are given as XML (ODF 1.3)."""
    spaces = " ".join(f'xmlns:{one}="{_OPEN}:{one}:1.0"' for one in ("office", "table", "text"))
    content = (
        f"<office:document-content {spaces}><office:body><office:spreadsheet>"
        f'<table:table table:name="People">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return archive(
        folder,
        name,
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content,
            "META-INF/manifest.xml": f'<manifest xmlns="{_OPEN}:manifest:1.0"/>',
        },
    )


def only_sheet(path: Path) -> Sheet:
    """Return the one sheet of a file."""
    [sheet] = open_sheets(path)
    return sheet


def rows_of(path: Path) -> list[ImportRow]:
    """Return all rows of a file as they are guessed."""
    return [row for sheet in open_sheets(path) for row in sheet.rows(sheet.reading)]


def piles_of(path: Path) -> list[tuple[str, Pile]]:
    """Return each address of a file with its pile, if the owner says nothing."""
    return [(row.email, pile_of(row, NOTHING_SAID, NOW).pile) for row in rows_of(path)]
