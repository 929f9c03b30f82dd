"""The signed file: a zip with a manifest of its files and the manifest's signature.

The same files give the same bytes: the times in the archive are fixed and nothing in it is
compressed, so that no version of a library makes a difference.
"""

import zipfile
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

RECORD, PAGE, READ_ME = "evidence.json", "evidence.html", "READ ME.txt"
PUBLIC_KEY, MANIFEST, SIGNATURE = "public-key.pem", "MANIFEST", "MANIFEST.sig"

#: The files that the manifest names, and all that are in the archive.
SIGNED = frozenset({RECORD, PAGE, READ_ME, PUBLIC_KEY})
FILES = SIGNED | {MANIFEST, SIGNATURE}

_MADE_ON = (1980, 1, 1, 0, 0, 0)
_END = "-----END PUBLIC KEY-----\n"


def manifest_of(files: Mapping[str, bytes]) -> bytes:
    """Return the SHA-256 of each file, as `sha256sum` reads it."""
    lines = (f"{sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    return "".join(lines).encode()


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return these files as a zip file, always the same for the same files."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _MADE_ON)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, data)
    return packed.getvalue()


def keys_in(pem: str) -> list[Ed25519PublicKey]:
    """Return the Ed25519 keys in a text of one or more public keys; other text is skipped."""
    found = []
    for block in pem.replace("\r\n", "\n").split(_END)[:-1]:
        begin = block.rfind("-----BEGIN PUBLIC KEY-----")
        try:
            key = load_pem_public_key((block[max(begin, 0) :] + _END).encode())
        except ValueError:
            continue
        if isinstance(key, Ed25519PublicKey):
            found.append(key)
    return found


def fingerprint_of(pem: str) -> str:
    """Return the SHA-256 of the first key in a text, in hexadecimal."""
    return sha256(keys_in(pem)[0].public_bytes_raw()).hexdigest()
