"""Workbooks by hand: what programs write of XLSX (ECMA-376) and ODS (OpenDocument 1.3)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

#: A text, a number as it is stored, or the finished XML of a cell's content.
Cell = str | float | bytes
Row = Sequence[Cell]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

#: Style 1 is a date, style 2 a date and time of one's own format.
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{MAIN}"><numFmts count="1"><numFmt numFmtId="164" '
    'formatCode="dd/mm/yyyy\\ hh:mm"/></numFmts><fonts count="1"><font><sz val="11"/>'
    '<name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill '
    'patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    '</cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" '
    'xfId="0"/><xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" '
    'applyNumberFormat="1"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" '
    'applyNumberFormat="1"/></cellXfs></styleSheet>'
)


def packed(parts: Iterable[tuple[str, str | bytes]], method: int = ZIP_DEFLATED) -> bytes:
    """Return an archive of these parts whose bytes do not depend on the time of day."""
    kept = BytesIO()
    with ZipFile(kept, "w") as archive:
        for name, content in parts:
            archive.writestr(ZipInfo(name), content, method, 9)
    return kept.getvalue()


def date(serial: float, style: int = 1) -> bytes:
    """Return a cell that holds a date as a number, which only its style tells."""
    return f'<c s="{style}"><v>{serial}</v></c>'.encode()


def formula(text: str, value: str) -> bytes:
    """Return a cell with a formula and the text that it had when the file was saved."""
    return f'<c t="str"><f>{escape(text)}</f><v>{escape(value)}</v></c>'.encode()


def xlsx(sheets: Mapping[str, Sequence[Row]], *, date1904: bool = False) -> bytes:
    """Return a workbook as Excel saves it: texts shared, empty cells left out."""
    shared: list[str] = []
    made = [sheet(rows, lambda text: _shared_cell(text, shared)) for rows in sheets.values()]
    return workbook(dict(zip(sheets, made, strict=True)), shared, date1904=date1904)


def inline_xlsx(sheets: Mapping[str, Sequence[Row]]) -> bytes:
    """Return a workbook as libraries write it: texts inside their cells, nothing shared."""
    made = {name: sheet(rows, _inline_cell) for name, rows in sheets.items()}
    return workbook(made, None)


def sheet(rows: Sequence[Row], in_text: Callable[[str], str], dimension: str = "A1:H9") -> str:
    """Return the XML of one sheet."""
    lines = "".join(
        f'<row r="{number}">{_row(number, row, in_text)}</row>'
        for number, row in enumerate(rows, start=1)
    )
    return (
        f'{_HEAD}<worksheet xmlns="{MAIN}"><dimension ref="{dimension}"/>'
        f"<sheetData>{lines}</sheetData></worksheet>"
    )


def _row(number: int, row: Row, in_text: Callable[[str], str]) -> str:
    placed = ((f"{chr(65 + column)}{number}", cell) for column, cell in enumerate(row))
    return "".join(_cell(cell, in_text).replace("<c", f'<c r="{at}"', 1) for at, cell in placed)


def _cell(cell: Cell, in_text: Callable[[str], str]) -> str:
    match cell:
        case "":
            return ""
        case str():
            return in_text(cell)
        case bytes():
            return cell.decode()
        case _:
            return f"<c><v>{cell}</v></c>"


def _shared_cell(text: str, shared: list[str]) -> str:
    if text not in shared:
        shared.append(text)
    return f'<c t="s"><v>{shared.index(text)}</v></c>'


def _inline_cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def workbook(
    sheets: Mapping[str, str],
    shared: Sequence[str] | None,
    *,
    strings: str | None = None,
    date1904: bool = False,
    hidden: str = "",
) -> bytes:
    """Return the package of finished sheets; `strings` replaces the XML of the shared texts."""
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"'
        f"{_state(name, hidden)}/>"
        for number, name in enumerate(sheets, start=1)
    )
    properties = '<workbookPr date1904="1"/>' if date1904 else ""
    book = (
        f'{_HEAD}<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}">'
        f"{properties}<sheets>{listed}</sheets></workbook>"
    )
    parts = [("[Content_Types].xml", _types(len(sheets), shared is not None or bool(strings)))]
    parts += [("_rels/.rels", _relations([("rId1", "officeDocument", "xl/workbook.xml")]))]
    parts += [("xl/workbook.xml", book)]
    parts += [("xl/_rels/workbook.xml.rels", _relations(_of_book(len(sheets))))]
    parts += [("xl/styles.xml", _STYLES)]
    parts += [(f"xl/worksheets/sheet{n}.xml", xml) for n, xml in enumerate(sheets.values(), 1)]
    if strings or shared is not None:
        parts += [("xl/sharedStrings.xml", strings or _strings(shared or ()))]
    return packed(parts)


def _state(name: str, hidden: str) -> str:
    return ' state="hidden"' if name == hidden else ""


def _strings(shared: Sequence[str]) -> str:
    items = "".join(map(_string, shared))
    return f'{_HEAD}<sst xmlns="{MAIN}" count="{len(shared)}">{items}</sst>'


def _string(text: str) -> str:
    """Write a text in two runs with a reading beside it, as Excel does for formatted ones."""
    if not text.startswith("Rich "):
        return f'<si><t xml:space="preserve">{escape(text)}</t></si>'
    first, _, rest = text.removeprefix("Rich ").partition(" ")
    return (
        f'<si><r><rPr><b/></rPr><t xml:space="preserve">{escape(first)} </t></r>'
        f"<r><t>{escape(rest)}</t></r>"
        '<rPh sb="0" eb="1"><t>not part of the name</t></rPh></si>'
    )


def _types(sheets: int, has_strings: bool) -> str:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    parts += [(f"/xl/worksheets/sheet{n}.xml", "worksheet") for n in range(1, sheets + 1)]
    parts += [("/xl/sharedStrings.xml", "sharedStrings")] if has_strings else []
    overrides = "".join(
        f'<Override PartName="{part}" ContentType="{kind}.{of}+xml"/>' for part, of in parts
    )
    return (
        f'{_HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


def _of_book(sheets: int) -> list[tuple[str, str, str]]:
    named = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, sheets + 1)]
    return [
        *named,
        (f"rId{sheets + 1}", "styles", "styles.xml"),
        (f"rId{sheets + 2}", "sharedStrings", "sharedStrings.xml"),
    ]


def _relations(related: Iterable[tuple[str, str, str]]) -> str:
    each = "".join(
        f'<Relationship Id="{one}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for one, kind, target in related
    )
    return f'{_HEAD}<Relationships xmlns="{_RELS}">{each}</Relationships>'


def ods(tables: Mapping[str, str]) -> bytes:
    """Return an OpenDocument spreadsheet of these tables, whose rows are finished XML."""
    listed = "".join(
        f"<table:table table:name={quoteattr(name)}>{rows}</table:table>"
        for name, rows in tables.items()
    )
    content = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" office:version="1.3"><office:body>'
        f"<office:spreadsheet>{listed}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<manifest:manifest '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" '
        f'manifest:version="1.3"><manifest:file-entry manifest:full-path="/" '
        f'manifest:media-type="{kind}"/><manifest:file-entry manifest:full-path="content.xml" '
        'manifest:media-type="text/xml"/></manifest:manifest>'
    )
    parts = [("mimetype", kind), ("content.xml", content), ("META-INF/manifest.xml", manifest)]
    return packed(parts)


def ods_row(*cells: str, repeated: int = 1) -> str:
    """Return a row of texts; finished XML is taken as it is."""
    repeat = f' table:number-rows-repeated="{repeated}"' if repeated > 1 else ""
    return f"<table:table-row{repeat}>{''.join(map(_ods_cell, cells))}</table:table-row>"


def _ods_cell(text: str) -> str:
    if text.startswith("<"):
        return text
    if not text:
        return "<table:table-cell/>"
    kind = ' office:value-type="string"'
    return f"<table:table-cell{kind}><text:p>{escape(text)}</text:p></table:table-cell>"
