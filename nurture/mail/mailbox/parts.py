"""A mail taken apart within limits: its headers, its texts and what it returns of another."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser, HeaderParser
from email.policy import compat32
from html import unescape

#: As much of a mail as is ever read, and of one that is built to be expensive.
LARGEST, _LARGEST_ODD = 1_000_000, 50_000

#: More lines that may begin a part, or a group of fields, than any report has.
_MOST_PARTS, _MOST_GROUPS = 1_000, 10_000

#: As much as is looked at: parts, their depth, characters of a text, and of a header.
_PARTS, _DEPTH, _TEXT, _HEADER = 60, 8, 60_000, 4_000

_TAG = re.compile(r"<[^<>]{0,2000}>")
_BREAK = re.compile(r"</?(?:br|p|div|tr|li|h[1-6]|table|td)\b[^<>]{0,500}>", re.IGNORECASE)
_BLANK_LINE = re.compile(r"\r?\n[ \t]*\r?\n")

#: Headers by their names in lower case; a repeated one has several values.
Fields = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class MailParts:
    """The parts of a mail that may tell something.

    `texts` are for people, `groups` the fields of a delivery report (RFC 3464 §2.1), `feedback`
    those of a complaint (RFC 5965 §3), and `returned` the headers of the emails it returns.
    """

    head: Fields
    content_type: str = "text/plain"
    texts: list[str] = field(default_factory=list)
    groups: list[Fields] = field(default_factory=list)
    feedback: list[Fields] = field(default_factory=list)
    returned: list[Fields] = field(default_factory=list)
    types: set[str] = field(default_factory=set)

    def first(self, name: str) -> str:
        """Return the first value of a header, or an empty string."""
        return first(self.head, name)


def first(fields: Fields, name: str) -> str:
    """Return the first value of a field, or an empty string."""
    return next(iter(fields.get(name, ())), "")


def take_apart(data: bytes) -> MailParts:
    """Take any bytes apart as a mail; what cannot be read is left out."""
    message = _parse(_within_limits(data))
    parts = MailParts(_fields_of(message), message.get_content_type())
    for part in _walk(message):
        _add(parts, part)
    return parts


def _within_limits(data: bytes) -> bytes:
    data = data[:LARGEST]
    many_parts = data.count(b"\n--") > _MOST_PARTS
    if many_parts or data.count(b"\n\n") + data.count(b"\n\r\n") > _MOST_GROUPS:
        return data[:_LARGEST_ODD]
    return data


def _parse(data: bytes) -> "Message[str, str]":
    try:
        return BytesParser(policy=compat32).parsebytes(data)
    except Exception:  # A parser that fails on odd nesting still reads the headers.
        return BytesParser(policy=compat32).parsebytes(data[:_LARGEST_ODD], headersonly=True)


def _walk(message: "Message[str, str]") -> Iterator["Message[str, str]"]:
    """Yield the parts in order, without those inside a returned mail."""
    waiting, seen = [(message, 0)], 0
    while waiting and seen < _PARTS:
        part, depth = waiting.pop(0)
        seen += 1
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            if depth < _DEPTH:
                inner = [(one, depth + 1) for one in payload if isinstance(one, Message)]
                waiting = inner[:_PARTS] + waiting
        else:
            yield part


def _add(parts: MailParts, part: "Message[str, str]") -> None:
    content_type = part.get_content_type()
    parts.types.add(content_type)
    match content_type:
        case "message/delivery-status" | "message/global-delivery-status":
            parts.groups.extend(_groups(part))
        case "message/feedback-report":
            parts.feedback.extend(_groups(part))
        case "message/rfc822" | "message/global" | "message/partial":
            parts.returned.extend(_fields_of(one) for one in _messages_in(part))
        case "text/rfc822-headers" | "message/rfc822-headers" | "message/global-headers":
            parts.returned.extend(_groups(part)[:1])
        case "text/html":
            parts.texts.append(_plain(_text(part)))
        case _ if content_type.startswith("text/"):
            parts.texts.append(_text(part))


def _messages_in(part: "Message[str, str]") -> list["Message[str, str]"]:
    payload = part.get_payload()
    if isinstance(payload, list):
        return [one for one in payload if isinstance(one, Message)]
    return [HeaderParser(policy=compat32).parsestr(_text(part).lstrip())]


def _groups(part: "Message[str, str]") -> list[Fields]:
    """Return the groups of fields in a part, wherever the parser has put them."""
    payload = part.get_payload()
    if not isinstance(payload, list):
        return _groups_in(_text(part))
    found: list[Fields] = []
    for one in payload[:_PARTS]:
        if isinstance(one, Message):
            rest = one.get_payload()
            found.append(_fields_of(one))
            found += _groups_in(rest) if isinstance(rest, str) else []
    return [fields for fields in found if fields]


def _groups_in(text: str) -> list[Fields]:
    blocks = [block for block in _BLANK_LINE.split(text[:_TEXT].strip()) if block.strip()]
    parser = HeaderParser(policy=compat32)
    found = [_fields_of(parser.parsestr(block.lstrip("\r\n"))) for block in blocks[:_PARTS]]
    return [fields for fields in found if fields]


def _fields_of(message: "Message[str, str]") -> Fields:
    fields: Fields = {}
    for name, value in message.raw_items():
        fields.setdefault(str(name).strip().lower(), []).append(_unfolded(str(value)))
    return fields


def _unfolded(value: str) -> str:
    value = value[:_HEADER]
    if "=?" in value:
        with suppress(ValueError, LookupError, MessageError):  # It is not encoded as it says.
            value = str(make_header(decode_header(value)))
    plain = value.encode("utf-8", "replace").decode("utf-8", "replace")
    return " ".join(plain.split())


def _text(part: "Message[str, str]") -> str:
    try:
        data = part.get_payload(decode=True)
    except ValueError:  # A transfer encoding that the parser gives up on.
        data = None
    if not isinstance(data, bytes):
        payload = part.get_payload()
        data = payload[:_TEXT].encode("utf-8", "replace") if isinstance(payload, str) else b""
    return _decoded(data[: 4 * _TEXT], part).replace("\r\n", "\n")[:_TEXT]


def _decoded(data: bytes, part: "Message[str, str]") -> str:
    try:
        return data.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):
        return data.decode("latin-1")


def _plain(html: str) -> str:
    return unescape(_TAG.sub(" ", _BREAK.sub("\n", html)))
