"""Checking signed evidence: every byte is as it was signed, or a sentence says what is not.

Nothing is needed but the file and, to know whose signature it is, the practice's public key.
"""

import json
import struct
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nurture.domain.errors import NurtureError
from nurture.services.evidence.container import (
    FILES,
    MANIFEST,
    PUBLIC_KEY,
    RECORD,
    SIGNATURE,
    SIGNED,
    fingerprint_of,
    keys_in,
    manifest_of,
    pack,
)

#: What reading a broken archive may raise.
_BROKEN = (zipfile.BadZipFile, struct.error, RuntimeError, ValueError, EOFError, OSError)


class EvidenceChangedError(NurtureError):
    """The file is not as it was signed, or not signed with the expected key."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What an unchanged file is about; `is_trusted` says that the key was given by the caller."""

    address: str
    made_at: str
    practice: str
    fingerprint: str
    is_trusted: bool


def verify(data: bytes, trusted: str = "") -> Verified:
    """Return what signed evidence is about, or raise `EvidenceChangedError`, naming the file.

    `trusted` contains the practice's public keys in PEM, one of which must have signed it. Without
    it, the key in the archive is used, which shows only that nothing was changed afterwards.
    """
    files = _unpacked(data)
    own = _text(files, PUBLIC_KEY)
    keys = keys_in(trusted or own)
    if not keys:
        place = "the key that was given" if trusted else PUBLIC_KEY
        raise EvidenceChangedError(f"There is no Ed25519 public key in {place}.")
    if not _is_signed(files, keys):
        raise EvidenceChangedError(_why_not_signed(files, keys_in(own), bool(trusted)))
    if changed := _changed(files):
        raise EvidenceChangedError(f"{changed[0]} was changed after it was signed.")
    if pack(files) != data:
        raise EvidenceChangedError(
            "The files are as they were signed, but the archive around them was changed.",
            remedy="If it was only packed again, check the unpacked files: READ ME.txt says how.",
        )
    record = json.loads(files[RECORD])
    about = (record["person"]["address"], record["made_at"], record["practice"]["name"])
    return Verified(*about, fingerprint_of(own), bool(trusted))


def _unpacked(data: bytes) -> dict[str, bytes]:
    """Return the files of an archive, which must be exactly those that evidence has."""
    try:
        archive = zipfile.ZipFile(BytesIO(data))
        entries = {entry.filename: entry for entry in archive.infolist()}
    except _BROKEN:
        raise EvidenceChangedError(
            "This is not a zip file, or its list of files was changed."
        ) from None
    _insist_on_names(entries)
    return {name: _read(archive, entry) for name, entry in entries.items()}


def _insist_on_names(names: Iterable[str]) -> None:
    missing, added = sorted(FILES - set(names)), sorted(set(names) - FILES)
    if missing:
        raise EvidenceChangedError(f"{missing[0]} is missing, or its name was changed.")
    if added:
        raise EvidenceChangedError(f"{added[0]} was added.")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    # Nothing is ever compressed, so that no small file can grow into a large one here.
    try:
        if entry.compress_type == zipfile.ZIP_STORED and entry.file_size == entry.compress_size:
            return archive.read(entry)
    except _BROKEN:
        pass
    raise EvidenceChangedError(f"{entry.filename} was changed.")


def _text(files: Mapping[str, bytes], name: str) -> str:
    try:
        return files[name].decode("ascii")
    except UnicodeDecodeError:
        raise EvidenceChangedError(f"{name} was changed.") from None


def _is_signed(files: Mapping[str, bytes], keys: Iterable[Ed25519PublicKey]) -> bool:
    for key in keys:
        try:
            key.verify(files[SIGNATURE], files[MANIFEST])
        except InvalidSignature:
            continue
        return True
    return False


def _why_not_signed(
    files: Mapping[str, bytes], own: list[Ed25519PublicKey], was_given: bool
) -> str:
    if was_given and _is_signed(files, own):
        return "It was signed with another key than the one that was given."
    if _changed(files) == [PUBLIC_KEY]:
        return f"{PUBLIC_KEY} was changed after it was signed."
    return f"{MANIFEST} or its signature {SIGNATURE} was changed."


def _changed(files: Mapping[str, bytes]) -> list[str]:
    """Return the signed files that are not as the manifest says."""
    said = set(files[MANIFEST].decode("utf-8", "replace").splitlines())
    signed = {name: files[name] for name in sorted(SIGNED)}
    found = [n for n, data in signed.items() if f"{sha256(data).hexdigest()}  {n}" not in said]
    whole = files[MANIFEST] == manifest_of(signed)
    return found if found or whole else [MANIFEST]
