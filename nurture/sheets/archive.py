"""Opening a zip archive without trusting it: nothing is unpacked to disk, or under its own name."""

import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from nurture.sheets.limits import (
    HIGHEST_RATIO,
    LARGEST_FILE,
    MOST_MEMBERS,
    RATIO_COUNTS_ABOVE,
    SheetError,
)

#: How archives begin, and those without members.
MAGIC = (b"PK\x03\x04", b"PK\x05\x06")

_EXPORT_AGAIN = "Export the list again, or send the files in it one by one."
_ENCRYPTED = 0x1


@contextmanager
def opened_archive(file: IO[bytes]) -> Iterator[ZipFile]:
    """Open an archive and check all its members; raise `SheetError` if one is not to be trusted.

    Errors that appear while a member is read are raised as `SheetError` too.
    """
    try:
        with ZipFile(file) as archive:
            _check(archive.infolist())
            yield archive
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise SheetError("The archive is damaged or incomplete.", remedy=_EXPORT_AGAIN) from error
    except RuntimeError as error:
        if "password" not in str(error) and "encrypted" not in str(error):
            raise
        raise _locked() from error


def members_of(archive: ZipFile) -> list[ZipInfo]:
    """Return the files of an archive, without folders and what computers add unasked."""
    return [one for one in archive.infolist() if not one.is_dir() and not _is_litter(one.filename)]


def _check(members: list[ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS:
        raise SheetError(
            f"The archive has {len(members):,} files; up to {MOST_MEMBERS} are read.",
            remedy="Send only the files with addresses.",
        )
    if sum(one.file_size for one in members) > LARGEST_FILE:
        raise SheetError(
            f"Unpacked, the archive has more than {LARGEST_FILE // 1024**2} megabytes.",
            remedy=_EXPORT_AGAIN,
        )
    for member in members:
        _check_member(member)


def _check_member(member: ZipInfo) -> None:
    if _leads_elsewhere(member):
        raise SheetError(
            "The archive has a link, or a file for another folder than its own.",
            remedy=_EXPORT_AGAIN,
        )
    if member.flag_bits & _ENCRYPTED:
        raise _locked()
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > RATIO_COUNTS_ABOVE and ratio > HIGHEST_RATIO:
        raise SheetError(
            "A file in the archive is packed more tightly than lists can be.", remedy=_EXPORT_AGAIN
        )
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise SheetError(
            "The archive is packed in a way that is not read.", remedy="Pack it as an ordinary zip."
        )


def _leads_elsewhere(member: ZipInfo) -> bool:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    return is_link or path.is_absolute() or ".." in path.parts or ":" in member.filename[:2]


def _locked() -> SheetError:
    return SheetError(
        "The archive is locked with a password.", remedy="Unpack it, and send the files in it."
    )


def _is_litter(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.parts[:1] == ("__MACOSX",) or path.name.startswith((".", "~$"))
