"""Searching files for remains of a person, in any encoding they may have been written in."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote


def files_telling_of(directory: Path, *texts: str) -> list[str]:
    """Return every file below a directory that contains one of these texts, with the text."""
    return [
        f"{path.relative_to(directory)}: {text}"
        for path in sorted(directory.rglob("*"))
        if path.is_file()
        for text in texts
        if tells(path.read_bytes(), text)
    ]


def tells(data: bytes, text: str) -> bool:
    """Return whether bytes contain a text plain or encoded.

    Encodings are percent, quoted-printable, UTF-16 and Base64.
    """
    small = data.lower()
    return any(form in small for form in _readable(text)) or any(
        form in data for form in _in_base64(text)
    )


def _readable(text: str) -> set[bytes]:
    written = {text, quote(text, safe=""), _escaped(text, "%"), _escaped(text, "="), _partly(text)}
    plain = {one.lower().encode() for one in written}
    return plain | {text.lower().encode(order) for order in ("utf-16-le", "utf-16-be")}


def _escaped(text: str, sign: str) -> str:
    """Escape every byte, which is allowed but never required."""
    return "".join(f"{sign}{byte:02X}" for byte in text.encode())


def _partly(text: str) -> str:
    """Encode quoted-printable as most programs do: letters, digits and dots are unchanged."""
    return "".join(
        c if c.isascii() and (c.isalnum() or c in ".-") else _escaped(c, "=") for c in text
    )


def _in_base64(text: str) -> Iterator[bytes]:
    """Return, for each of three offsets, the Base64 part independent of the surrounding text."""
    for spelling in _spellings(text):
        for offset in range(3):
            whole = b64encode(b"\0" * offset + spelling)
            yield whole[4 if offset else 0 : len(whole) // 4 * 4 - 4]


def _spellings(text: str) -> Iterable[bytes]:
    return (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"))
