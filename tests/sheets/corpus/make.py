"""Make the files of this corpus that no editor writes: `python -m tests.sheets.corpus.make`.

What is too large to be kept is made when it is read; its name is in `LARGE`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import ZIP_STORED

from . import archives, hostile_workbooks
from .workbooks import Row, date, formula, inline_xlsx, ods, ods_row, packed, xlsx

CORPUS = Path(__file__).parent

_HEADINGS = ("Email", "First name", "Last name")
_GERMAN = """E-Mail;Vorname;Nachname;Geburtstag;Anmeldung am;Anmelde-IP
jutta@example.de;Jutta;Müller;03.04.1961;14.03.2024 09:12;203.0.113.171
kaethe@example.de;Käthe;Weiß;;;
ludwig@example.de;Ludwig;"Groß; Sohn";;15.03.2024;
;Ohne;Adresse;;;
"""
_BRITISH = """Email,First name,Last name,Spent
mairead@example.org,Mairéad,O’Brien,£85.00
niamh@example.org,Niamh,“Nia” Walsh,£1200.00
oisin@example.org,Oisín,D’Arcy – Lee,€40
"""
_UNICODE_TEXT = """Email\tFirst name\tLast name\tOptin time\tOptin IP
piotr@example.pl\tPiotr\tŁukasiewicz\t2024-03-14 09:12\t203.0.113.181
ren@example.jp\t蓮\t佐藤\t\t
sofia@example.gr\tΣοφία\t"Παπαδοπούλου, Δρ"\t\t
"""
_NULS = (
    b"Email,First name\r\namy@example.org,A\x00my\r\nbo@example.org,Bo\x00\x00\r\n\x00\x00\x00\r\n"
)
_LONE_QUOTE = """Email,First name,Last name
amy@example.org,Amy,Ash
bo@example.org,"Bo,Bly
cy@example.org,Cy,Cox
dee@example.org,5' 11",Day
eli@example.org,Eli,Eden
"""
_MIXED_ENDS = (
    b"Email,First name\r\namy@example.org,Amy\nbo@example.org,Bo\rcy@example.org,Cy\r\r\n"
    b"dee@example.org,Dee"
)
_PDF = (
    b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n"
    b"(amy@example.org,Amy)\n%%EOF\n"
)
_HTML_TABLE = """<html><head><meta charset="utf-8"></head><body><table>
<tr><th>Email</th><th>First name</th></tr><tr><td>amy@example.org</td><td>Amy &amp; Bo</td></tr>
</table></body></html>
"""
_OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)


def encoded() -> dict[str, bytes]:
    """Return lists in encodings that spreadsheets write and editors spoil."""
    return {
        "excel/german-windows.csv": _windows(_GERMAN),
        "excel/british-windows.csv": _windows(_BRITISH),
        "excel/unicode-text.txt": _lines(_UNICODE_TEXT, "utf-16"),
        "excel/old-mac.csv": _BRITISH.replace("\n", "\r").encode("mac_roman"),
        "hostile/utf-16-without-mark.csv": _lines(_BRITISH, "utf-16-le"),
        "hostile/two-encodings.csv": _lines(_BRITISH, "utf-8")
        + _windows("peig@example.org,Péig,Ó Sé,\n"),
        "hostile/nul-bytes.csv": _NULS,
        "hostile/lone-quote.csv": _LONE_QUOTE.encode(),
        "hostile/mixed-line-ends.csv": _MIXED_ENDS,
        "hostile/a-pdf.csv": _PDF,
        "hostile/empty.csv": b"",
        "hostile/only-a-mark.csv": b"\xef\xbb\xbf",
        "hostile/a-table-of-a-page.xls": _HTML_TABLE.encode(),
        "hostile/old-or-locked-workbook.xls": _OLE,
        "hostile/a-workbook.csv": _practice(),
        "hostile/a-list.xlsx": _windows("Email,First name\namy@example.org,Amy\n"),
        "hostile/ten-thousand-columns.csv": _wide(),
        "hostile/random.csv": bytes(range(256)) * 8,
    }


def _windows(text: str) -> bytes:
    return _lines(text, "cp1252")


def _lines(text: str, encoding: str) -> bytes:
    return text.replace("\n", "\r\n").encode(encoding)


def _wide() -> bytes:
    commas = "," * 9_998
    return f"Email{commas},First name\r\namy@example.org{commas},Amy\r\n".encode()


def zipped() -> dict[str, bytes]:
    """Return archives, those of programs and those of attackers."""
    exported = [(path.name, path.read_bytes()) for path in _mailchimp()]
    return {
        "mailchimp/audience_export.zip": packed(exported),
        "mailchimp/audience_export-zipped-on-a-mac.zip": archives.re_zipped_on_a_mac(exported),
        "hostile/bomb.zip": archives.bomb(),
        "hostile/overlapping.zip": archives.overlapping(),
        "hostile/lying-about-its-size.zip": archives.lying_about_its_size(),
        "hostile/zip-in-zip.zip": archives.inside_another(),
        "hostile/names-that-climb.zip": archives.with_names_that_climb(),
        "hostile/a-link.zip": archives.with_a_link(),
        "hostile/one-name-twice.zip": archives.with_one_name_twice(),
        "hostile/encrypted.zip": archives.locked(),
        "hostile/truncated.zip": packed(exported[:1], ZIP_STORED)[:-200],
        "hostile/nothing-inside.zip": packed([]),
    }


def _mailchimp() -> list[Path]:
    return sorted((CORPUS / "mailchimp").glob("*_email_audience_export_*.csv"))


def workbooks() -> dict[str, bytes]:
    """Return the workbooks that people and programs save."""
    return {
        "excel/practice.xlsx": _practice(),
        "excel/practice-1904.xlsx": _since_1904(),
        "excel/sheets.xlsx": _several_sheets(),
        "excel/formulas.xlsx": _formulas(),
        "excel/inline-strings.xlsx": _inline(),
        "excel/prefixed.xlsx": hostile_workbooks.prefixed(),
        "excel/strict.xlsx": hostile_workbooks.strict(),
        "mailpoet/MailPoet_export_d4e5f6.xlsx": _mailpoet(),
        "numbers/export.xlsx": _numbers(),
        "libreoffice/practice.ods": _libreoffice(),
        "hostile/a-million-repeats.ods": _repeats(),
    }


def _practice() -> bytes:
    headings = (*_HEADINGS, "Optin time", "Optin IP", "Phone")
    people: list[Row] = [
        ("alys@example.org", "Alys", "Rich Ap Rhys", date(45365), "203.0.113.191", 7700900191),
        ("bryn@example.org", "Bryn", "", date(45365.5, 2), "", "07700 900192"),
        ("ceri@example.org", "", "Dafis & Sons", "", "203.0.113.193"),
        ("", "", ""),
        ("DAI@Example.org", "Dai", "Evans", date(45292.75, 2), "203.0.113.194"),
        ("", "Elen", "Fôn", date(45365)),
    ]
    return xlsx({"Clients": [headings, *people]})


def _since_1904() -> bytes:
    rows: list[Row] = [
        ("Email", "First name", "Optin time", "Optin IP"),
        ("gwil@example.org", "Gwil", date(43903), "203.0.113.195"),
    ]
    return xlsx({"Sheet1": rows}, date1904=True)


def _several_sheets() -> bytes:
    gone = [("Email", "Name"), ("huw@example.org", "Huw"), ("iolo@example.org", "Iolo")]
    here = [("Email", "Name"), ("huw@example.org", "Huw"), ("jan@example.org", "Jan")]
    notes = [("How to use this workbook",), ("Ask reception@example.org",)]
    return xlsx({"Read me": notes, "Clients": here, "Unsubscribed": gone})


def _formulas() -> bytes:
    link = 'HYPERLINK("mailto:kit@example.org","kit@example.org")'
    rows: list[Row] = [
        _HEADINGS,
        (formula(link, "kit@example.org"), formula('PROPER("KIT")', "Kit"), "Lloyd"),
        ("lis@example.org", b'<c t="e"><v>#N/A</v></c>', b'<c t="b"><v>1</v></c>'),
        (b'<c t="e"><v>#REF!</v></c>', "Mair", "Nant"),
    ]
    return xlsx({"Sheet1": rows})


def _inline() -> bytes:
    rows = [
        ("email", "first_name", "optin_time", "optin_ip"),
        ("nia@example.org", " Nia ", "2024-03-14 09:12:00", "203.0.113.196"),
        ("owain@example.org", "Owain_x000D_", "", ""),
    ]
    return inline_xlsx({"data": rows})


def _mailpoet() -> bytes:
    headings = (
        "Email",
        "First name",
        "Subscription IP",
        "Subscription time",
        "Global status",
        "List",
    )
    one = ("peredur@example.org", "Peredur", "203.0.113.197", "2024-03-14 09:12:00")
    two = ("rhian@example.org", "Rhian", "203.0.113.198", "2024-03-15 09:12:00")
    return inline_xlsx(
        {
            "Newsletter": [headings, (*one, "subscribed", "Newsletter")],
            "Golfers": [
                headings,
                (*one, "subscribed", "Golfers"),
                (*two, "unsubscribed", "Golfers"),
            ],
        }
    )


def _numbers() -> bytes:
    summary = [
        ("This document was exported from Numbers. Each table was converted to a worksheet.",),
        ("Numbers Sheet Name", "Numbers Table Name", "Excel Worksheet Name"),
        ("Sheet 1", "Clients", "Clients"),
    ]
    people = [("Clients",), _HEADINGS, ("siwan@example.org", "Siwan", "Tal"), ("", "", "")]
    return xlsx({"Export Summary": summary, "Clients": people})


def _libreoffice() -> bytes:
    day = (
        '<table:table-cell office:value-type="date" office:date-value="2024-03-14T09:12:00">'
        "<text:p>14/03/24</text:p></table:table-cell>"
    )
    link = (
        '<table:table-cell office:value-type="string"><office:annotation><text:p>her other one is '
        'old@example.org</text:p></office:annotation><text:p><text:a xlink:href="mailto:tegan@'
        'example.org">tegan@example.org</text:a></text:p></table:table-cell>'
    )
    spaced = (
        '<table:table-cell office:value-type="string"><text:p>Ann<text:s text:c="1"/>Wyn</text:p>'
        "</table:table-cell>"
    )
    rest = '<table:table-cell table:number-columns-repeated="16379"/>'
    rows = [
        ods_row("Email", "First name", "Optin time", "Optin IP", rest),
        ods_row(link, spaced, day, "203.0.113.199", rest),
        ods_row("ursa@example.org", "Ürsa", "", "", rest),
        ods_row("", "Vaughan", day, "", rest),
        ods_row('<table:table-cell table:number-columns-repeated="16384"/>', repeated=1_048_572),
    ]
    return ods({"Sheet1": "".join(rows)})


def _repeats() -> bytes:
    rows = [ods_row(*_HEADINGS), ods_row("amy@example.org", "Amy", "Ash", repeated=1_048_575)]
    return ods({"Sheet1": "".join(rows)})


def a_large_cell() -> bytes:
    """Return a list with one cell of five million characters."""
    return f"Email,Notes\r\namy@example.org,{'x' * 5_000_000}\r\nbo@example.org,\r\n".encode()


def many_entries() -> bytes:
    """Return an archive of five thousand lists of one person each."""
    return packed([(f"{n}.csv", f"Email\r\np{n}@example.org\r\n") for n in range(5_000)])


#: Too large to be kept: made when read.
LARGE: Mapping[str, Callable[[], bytes]] = {
    "hostile/a-cell-of-five-million.csv": a_large_cell,
    "hostile/five-thousand-entries.zip": many_entries,
    "hostile/a-bomb.xlsx": hostile_workbooks.bomb,
}


def made() -> dict[str, bytes]:
    """Return every file that is made, by its name in the corpus."""
    return encoded() | zipped() | workbooks() | hostile_workbooks.small()


def main() -> None:
    """Write every file that is made."""
    for name, content in made().items():
        (CORPUS / name).parent.mkdir(exist_ok=True)
        (CORPUS / name).write_bytes(content)


if __name__ == "__main__":
    main()
