"""Archives that no list comes in by accident: bombs, false names, links, locks and lies."""

import struct
from copy import copy
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo
from zlib import crc32

from .workbooks import packed

LIST = "Email,First name\r\namy@example.org,Amy\r\n"

_MIB = 1 << 20
_IS_LINK = 0o120777 << 16
_ENCRYPTED = 1

#: Where local header (at 0) and central record (from its start) keep flags, check sum and sizes.
_IN_LOCAL = (6, 14, 18, 22)
_IN_CENTRAL = (8, 16, 20, 24)
_CENTRAL = b"PK\x01\x02"


def bomb(mebibytes: int = 24) -> bytes:
    """Return an archive of a few kilobytes that unpacks to a thousand times that."""
    return packed([("subscribed.csv", b"Email\r\n" + b"," * (mebibytes * _MIB))])


def overlapping(entries: int = 200) -> bytes:
    """Return an archive whose entries all point at the same packed bytes."""
    kept = BytesIO()
    with ZipFile(kept, "w") as archive:
        archive.writestr(ZipInfo("list-000.csv"), b"," * _MIB, ZIP_DEFLATED, 9)
        first = archive.filelist[0]
        archive.filelist += [_renamed(first, f"list-{n:03}.csv") for n in range(1, entries)]
    return kept.getvalue()


def _renamed(entry: ZipInfo, name: str) -> ZipInfo:
    other = copy(entry)
    other.filename = name
    return other


def lying_about_its_size() -> bytes:
    """Return an archive that promises a hundred bytes and unpacks to eight mebibytes."""
    honest = packed([("subscribed.csv", b"Email\r\n" + b"," * (8 * _MIB))])
    return _with_fields(honest, {3: 100})


def inside_another(depth: int = 3) -> bytes:
    """Return a list in an archive in an archive."""
    archive = packed([("subscribed.csv", LIST)])
    for level in range(depth - 1):
        archive = packed([(f"export-{level}.zip", archive)], ZIP_STORED)
    return archive


def with_names_that_climb() -> bytes:
    """Return an archive whose names lead out of any folder it is unpacked into."""
    names = [
        "../../../../tmp/nurture-climbed.csv",
        "/tmp/nurture-absolute.csv",
        "..\\..\\nurture-backslash.csv",
        "C:\\nurture-drive.csv",
    ]
    return packed([(name, LIST) for name in names])


def with_a_link() -> bytes:
    """Return an archive of a list, and of a symbolic link that is named like one."""
    link = ZipInfo("unsubscribed_members.csv")
    link.create_system = 3
    link.external_attr = _IS_LINK
    kept = BytesIO()
    with ZipFile(kept, "w") as archive:
        archive.writestr(ZipInfo("subscribed_members.csv"), LIST, ZIP_DEFLATED, 9)
        archive.writestr(link, "/etc/passwd", ZIP_STORED)
    return kept.getvalue()


def with_one_name_twice() -> bytes:
    """Return an archive with two lists of the same name; neither may hide the other."""
    other = "Email,First name\r\nbo@example.org,Bo\r\n"
    renamed = packed([("list-1.csv", LIST), ("list-2.csv", other)])
    return renamed.replace(b"list-2.csv", b"list-1.csv")


def re_zipped_on_a_mac(lists: list[tuple[str, bytes]]) -> bytes:
    """Return an archive with what the Finder adds, in a folder."""
    junk = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
    added = [("export/.DS_Store", b"\x00\x00\x00\x01Bud1")]
    added += [(f"__MACOSX/export/._{name}", junk) for name, _ in lists]
    return packed([("export/", b""), *((f"export/{name}", each) for name, each in lists), *added])


def locked(password: bytes = b"secret") -> bytes:
    """Return an archive encrypted in the traditional way (PKWARE's APPNOTE, 6.1)."""
    plain = LIST.encode()
    check = crc32(plain)
    cipher = _encrypted(bytes(11) + bytes([check >> 24]) + plain, password)
    archive = packed([("subscribed.csv", cipher)], ZIP_STORED)
    return _with_fields(archive, {0: _ENCRYPTED, 1: check, 3: len(plain)})


def _encrypted(plain: bytes, password: bytes) -> bytes:
    keys = [0x12345678, 0x23456789, 0x34567890]
    for byte in password:
        _turn(keys, byte)
    cipher = bytearray()
    for byte in plain:
        mixed = (keys[2] | 2) & 0xFFFF
        cipher.append(byte ^ (mixed * (mixed ^ 1) >> 8 & 0xFF))
        _turn(keys, byte)
    return bytes(cipher)


def _turn(keys: list[int], byte: int) -> None:
    keys[0] = _crc(keys[0], byte)
    keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
    keys[2] = _crc(keys[2], keys[1] >> 24)


def _crc(before: int, byte: int) -> int:
    return crc32(bytes([byte]), before ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def _with_fields(archive: bytes, fields: dict[int, int]) -> bytes:
    """Change flags (0), check sum (1) and size (3) of an archive's only entry, in both places."""
    changed = bytearray(archive)
    central = archive.index(_CENTRAL)
    for start, places in ((0, _IN_LOCAL), (central, _IN_CENTRAL)):
        for field, value in fields.items():
            struct.pack_into("<H" if field == 0 else "<I", changed, start + places[field], value)
    return bytes(changed)
