"""Workbooks that only attackers save, and two that are unusual and right."""

from io import BytesIO
from zipfile import ZipFile

from .workbooks import MAIN, STRICT, packed, sheet, workbook, xlsx

_PEOPLE = [("Email", "First name"), ("amy@example.org", "Amy"), ("bo@example.org", "Bo")]
_TEXTS = ["Email", "First name", "amy@example.org", "Amy", "bo@example.org", "Bo"]
_MIB = 1 << 20


def small() -> dict[str, bytes]:
    """Return those that are small enough to be kept."""
    return {
        "hostile/billion-laughs.xlsx": billion_laughs(),
        "hostile/a-file-of-this-machine.xlsx": external_entity(),
        "hostile/a-million-rows.xlsx": a_million_rows(),
        "hostile/a-text-that-is-not-there.xlsx": missing_text(),
        "hostile/no-sheet-inside.xlsx": packed([("[Content_Types].xml", "<Types/>")]),
        "hostile/hidden-sheet.xlsx": hidden_sheet(),
        "hostile/with-macros.xlsm": with_macros(),
    }


def billion_laughs() -> bytes:
    """Return a workbook whose shared texts grow to a billion when they are read (CWE-776)."""
    tenfold = [f"&lol{level - 1};" * 10 for level in range(1, 10)]
    grows = "".join(f'<!ENTITY lol{n} "{ten}">' for n, ten in enumerate(tenfold, start=1))
    strings = (
        f'<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY lol0 "lol">{grows}]>'
        f'<sst xmlns="{MAIN}"><si><t>Email</t></si><si><t>&lol9;</t></si></sst>'
    )
    return _with_strings(strings)


def external_entity() -> bytes:
    """Return a workbook that asks for a file of the machine that reads it (CWE-611)."""
    strings = (
        '<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY own SYSTEM "file:///etc/passwd">]>'
        f'<sst xmlns="{MAIN}"><si><t>Email</t></si><si><t>&own;</t></si></sst>'
    )
    return _with_strings(strings)


def _with_strings(strings: str) -> bytes:
    rows = [(b'<c t="s"><v>0</v></c>',), (b'<c t="s"><v>1</v></c>',)]
    return workbook({"Sheet1": sheet(rows, str)}, None, strings=strings)


def a_million_rows() -> bytes:
    """Return a workbook that claims all 2^20 rows and holds two people, one in the last row."""
    made = sheet([], str, dimension="A1:XFD1048576")
    rows = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
        '<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="s"><v>3</v></c></row>'
        '<row r="1048576"><c r="A1048576" t="s"><v>4</v></c>'
        '<c r="B1048576" t="s"><v>5</v></c><c r="XFD1048576"/></row>'
    )
    return workbook({"Sheet1": made.replace("</sheetData>", f"{rows}</sheetData>")}, _TEXTS)


def missing_text() -> bytes:
    """Return a workbook with a cell that points behind the last shared text."""
    rows = [
        (b'<c t="s"><v>0</v></c>', b'<c t="s"><v>1</v></c>'),
        (b'<c t="s"><v>2</v></c>', b'<c t="s"><v>99</v></c>'),
    ]
    return workbook({"Sheet1": sheet(rows, str)}, _TEXTS)


def hidden_sheet() -> bytes:
    """Return a workbook with a sheet that its owner does not see."""
    seen = _plain(0, 2)
    unseen = _plain(0, 4)
    return workbook({"Clients": seen, "Old": unseen}, _TEXTS, hidden="Old")


def _plain(*texts: int) -> str:
    return sheet([(f'<c t="s"><v>{text}</v></c>'.encode(),) for text in texts], str)


def with_macros() -> bytes:
    """Return a workbook with a program inside, which is never run."""
    plain = _parts(xlsx({"Sheet1": _PEOPLE}))
    return packed([*plain.items(), ("xl/vbaProject.bin", bytes.fromhex("d0cf11e0a1b11ae1"))])


def prefixed() -> bytes:
    """Return a workbook whose elements have a prefix, as some .NET libraries write them."""
    parts = _parts(xlsx({"Sheet1": _PEOPLE}))
    return packed(
        [(name, _prefixed(text) if _is_sheet(name) else text) for name, text in parts.items()]
    )


def _is_sheet(name: str) -> bool:
    return "sheet" in name or "sharedStrings" in name


def _prefixed(xml: bytes) -> bytes:
    inside = xml.replace(b"</", b"<\x00").replace(b"<", b"<x:").replace(b"<x:\x00", b"</x:")
    return inside.replace(b"<x:?xml", b"<?xml").replace(b"xmlns=", b"xmlns:x=")


def strict() -> bytes:
    """Return a workbook in the strict dialect (ISO/IEC 29500-1), with its other namespaces."""
    office = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = _parts(xlsx({"Sheet1": _PEOPLE}))
    return packed(
        [
            (
                name,
                text.replace(MAIN.encode(), STRICT.encode()).replace(
                    office, b"http://purl.oclc.org/ooxml/officeDocument/relationships"
                ),
            )
            for name, text in parts.items()
        ]
    )


def bomb() -> bytes:
    """Return a workbook of some kilobytes whose sheet unpacks to a hundred mebibytes."""
    parts = _parts(xlsx({"Sheet1": _PEOPLE}))
    grown = {
        name: text.replace(b"</sheetData>", b" " * (100 * _MIB) + b"</sheetData>")
        for name, text in parts.items()
    }
    return packed(list(grown.items()))


def _parts(package: bytes) -> dict[str, bytes]:
    with ZipFile(BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
