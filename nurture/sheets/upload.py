"""The one door for files of people: whatever it is, by what is in it rather than by its name."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import ZipFile, ZipInfo

from nurture.sheets.archive import MAGIC, members_of, opened_archive
from nurture.sheets.delimited import DelimitedTable, Opener, first_lines, separator_of
from nurture.sheets.documents import STARTS, DocumentTable
from nurture.sheets.encoding import encoding_of
from nurture.sheets.limits import LARGEST_FILE, LARGEST_WORKBOOK, SheetError
from nurture.sheets.recipients import RecipientTable, are_recipients
from nurture.sheets.sheet import Sheet
from nurture.sheets.vcard import CardTable
from nurture.sheets.workbook import is_workbook, worksheets_of

_SAVE_AS_CSV = "Open it in the program that made it, and save or export the list as CSV."

#: What files begin with that are no lists, and what to call them.
_OTHERS = (
    (b"%PDF", "This is a PDF"),
    (b"\xd0\xcf\x11\xe0", "This is a workbook of before 2007, or one locked with a password"),
    (b"\x1f\x8b", "This is a gzip archive"),
    (b"7z\xbc\xaf", "This is a 7-Zip archive"),
    (b"Rar!", "This is a RAR archive"),
    (b"\x89PNG", "This is a picture"),
    (b"\xff\xd8\xff", "This is a picture"),
    (b"GIF8", "This is a picture"),
    (b"SQLite format 3", "This is a database"),
)
_WEB_PAGE = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table)\b", re.I | re.S
)
_MARKUP = re.compile(rb"\s*(?:<\?xml|\{\\rtf)", re.I)
_CARD = re.compile(rb"(?:\xef\xbb\xbf)?\s*BEGIN:VCARD", re.I)
_TEXTS = frozenset({"", ".csv", ".tsv", ".tab", ".txt", ".vcf", ".vcard", ".ndjson"})
_WORKBOOKS = frozenset({".xlsx", ".xlsm", ".ods"})
_START = 2048


def open_sheets(path: Path, name: str = "") -> list[Sheet]:
    """Return the sheets of a file; raise `SheetError` if there is none that can be read.

    `name` is what the file was called where it comes from, if the path does not say it: programs
    write the status of all people into it.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise SheetError(
            f"The file is larger than {LARGEST_FILE // 1024**2} megabytes.",
            remedy="Send the list in several files.",
        )
    sheets = _sheets(path, name or path.name, partial(_opened, path))
    if not any(one.has_addresses for one in sheets):
        raise SheetError(
            "There is no address in the file.", remedy="Choose the file with the list in it."
        )
    return sheets


def _sheets(path: Path, name: str, opener: Opener) -> list[Sheet]:
    with _opened(path) as file:
        if not file.read(4).startswith(MAGIC):
            return [_text_sheet(opener, name)]
        file.seek(0)
        with opened_archive(file) as archive:
            if not is_workbook(archive):
                return _packed_sheets(archive, members_of(archive), path)
        return _workbook_sheets(file, name)


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


def _packed_sheets(archive: ZipFile, members: list[ZipInfo], path: Path) -> list[Sheet]:
    """Return the sheets of all files in an archive that have a list's kind of name."""
    if any(one.filename.endswith(".iwa") for one in members):
        raise SheetError("This is a Numbers document.", remedy="Export it to CSV or Excel.")
    sheets: list[Sheet] = []
    for member in members:
        kind = PurePosixPath(member.filename.lower()).suffix
        with archive.open(member) as file:
            is_archive = file.read(4).startswith(MAGIC)
        if is_archive and kind not in _WORKBOOKS:
            raise SheetError(
                "There is an archive within the archive.",
                remedy="Unpack it, and send its files.",
            )
        if is_archive:
            sheets += _workbook_sheets(_whole(archive, member), _base(member))
        elif kind in _TEXTS and member.file_size:
            sheets.append(_text_sheet(partial(_opened_member, path, member), _base(member)))
    if not sheets:
        raise SheetError(
            "There is no list in the archive.",
            remedy="Send one of CSV files or workbooks.",
        )
    return sheets


@contextmanager
def _opened_member(path: Path, member: ZipInfo) -> Iterator[IO[bytes]]:
    """Open one file of an archive; what is not read of it is not unpacked."""
    with (
        path.open("rb") as file,
        opened_archive(file) as archive,
        archive.open(member) as content,
    ):
        yield content


def _whole(archive: ZipFile, member: ZipInfo) -> IO[bytes]:
    if member.file_size > LARGEST_WORKBOOK:
        raise SheetError("A workbook in the archive is too large.", remedy=_SAVE_AS_CSV)
    return BytesIO(archive.read(member))


def _workbook_sheets(file: IO[bytes], name: str) -> list[Sheet]:
    found = worksheets_of(file)
    if not found:
        raise SheetError("The workbook is empty.", remedy="Choose the file with the list in it.")
    return [Sheet(f"{name}: {one.name}", one) for one in found]


def _text_sheet(opener: Opener, name: str) -> Sheet:
    with opener() as file:
        start = file.read(_START)
    _refuse_others(start)
    with opener() as file:
        encoding = encoding_of(file)
    if _CARD.match(start):
        return Sheet(name, CardTable(opener, encoding))
    if STARTS.match(start):
        return Sheet(name, DocumentTable(opener, encoding))
    if are_recipients(first_lines(opener, encoding)):
        return Sheet(name, RecipientTable(opener, encoding))
    return Sheet(name, DelimitedTable(opener, encoding, separator_of(opener, encoding)))


def _refuse_others(start: bytes) -> None:
    if not start.strip(b"\xef\xbb\xbf\xff\xfe \r\n\t\0"):
        raise SheetError("The file is empty.", remedy="Choose the file with the list in it.")
    for sign, called in _OTHERS:
        if start.startswith(sign):
            raise SheetError(f"{called}, which is not read.", remedy=_SAVE_AS_CSV)
    if _WEB_PAGE.match(start) or _MARKUP.match(start):
        raise SheetError(
            "This is a web page or a document, and no list.",
            remedy="If it is the answer to a download, sign in there and export the list again.",
        )


def _base(member: ZipInfo) -> str:
    return PurePosixPath(member.filename.replace("\\", "/")).name
