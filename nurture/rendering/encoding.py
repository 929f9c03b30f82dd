"""Encoding text for email: quoted-printable bodies, and headers that survive any client."""

import re
from base64 import b64encode
from binascii import b2a_qp

#: A soft line break: the reader joins what is before and after it (RFC 2045 §6.7).
SOFT_BREAK = b"=\r\n"

#: A blank at the end of a full line, which the encoder encodes without counting its length.
_BLANK_TOO_FAR = re.compile(rb"([^\r\n]{74,75})(=20|=09)(?=\r\n)")

#: The most octets in a line of quoted-printable.
_LINE = 76
_DOTS_IN_A_LINE = 25
_DOTS_FIRST = re.compile(rb"^(\.+)([^\r\n]*)", re.MULTILINE)

#: An encoded word may be 75 characters long (RFC 2047 §2); this many octets of text fit in it.
_WORD_OCTETS = 45

#: The first is on one line with the field's name, and such a line may have 76 (RFC 2047 §2).
_FIRST_WORD_OCTETS = 39


def quoted(text: str) -> bytes:
    """Encode a piece of a text body as quoted-printable (RFC 2045 §6.7).

    Lines have at most 76 octets, the last leaves room for a soft line break, and none begins
    with a dot, which would have to be doubled for the mail server (RFC 5321 §4.5.2).
    """
    encoded = _open_ended(_with_crlf(text).encode(), istext=True)
    encoded = _BLANK_TOO_FAR.sub(rb"\1" + SOFT_BREAK + rb"\2", encoded)
    return _DOTS_FIRST.sub(_without_dots_first, encoded)


def quoted_value(text: str) -> bytes:
    """Encode a value inside a body on lines of its own, which the reader joins again."""
    encoded = SOFT_BREAK + _open_ended(text.encode(), istext=False) + SOFT_BREAK
    return _DOTS_FIRST.sub(_without_dots_first, encoded) if "." in text else encoded


def header_text(text: str) -> bytes:
    """Encode free text for a header: unchanged if short plain ASCII, otherwise as encoded words.

    Text that needs encoding is encoded whole, in UTF-8, because mixing encoded and plain
    words loses spaces in common readers (RFC 2047 §6.2).
    """
    text = " ".join(text.split())
    if text.isascii() and text.isprintable() and len(text) <= 60 and "=?" not in text:
        return text.encode("ascii")
    words = (b"=?utf-8?B?" + b64encode(part) + b"?=" for part in _parts(text))
    return b"\r\n ".join(words)


def mailbox(name: str, address: str) -> bytes:
    """Encode a mailbox such as `"Paul" <paul@example.org>` for a header (RFC 5322 §3.4)."""
    if not name:
        return b"<" + address.encode("ascii") + b">"
    shown = header_text(name)
    if shown.startswith(b"=?"):
        return shown + b"\r\n <" + address.encode("ascii") + b">"
    shown = b'"' + shown.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    return shown + b" <" + address.encode("ascii") + b">"


def _without_dots_first(found: re.Match[bytes]) -> bytes:
    """Encode the leading dots, breaking a line that becomes too long."""
    dots, rest = len(found[1]), found[2]
    full, left = divmod(dots, _DOTS_IN_A_LINE)
    encoded = (b"=2E" * _DOTS_IN_A_LINE + SOFT_BREAK) * full + b"=2E" * left
    return encoded + (SOFT_BREAK if left * 3 + len(rest) > _LINE - 1 else b"") + rest


def _open_ended(octets: bytes, *, istext: bool) -> bytes:
    """Encode as if the last line continued, by adding one octet and then removing it.

    The encoder breaks lines with a bare LF if the text itself has no CRLF.
    """
    encoded = b2a_qp(octets + b".", istext=istext)
    return encoded.replace(b"=\n", SOFT_BREAK).removesuffix(b"=2E").removesuffix(b".")


def _parts(text: str) -> list[bytes]:
    """Split into encodable parts without ever splitting a character (RFC 2047 §5).

    A part ends after a space if possible: some readers insert one between encoded words.
    """
    parts: list[bytes] = []
    part = b""
    for character in text:
        octets = character.encode()
        # What remains after an early blank may still be too long.
        while len(part) + len(octets) > (_WORD_OCTETS if parts else _FIRST_WORD_OCTETS):
            ended = part.rfind(b" ") + 1 or len(part)
            parts.append(part[:ended])
            part = part[ended:]
        part += octets
    return [*parts, part]


def _with_crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
