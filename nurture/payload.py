"""Reading JSON that someone else wrote, and saying which field is at fault.

A payload can contain anything at all: nesting a thousand levels deep, times in the year 99999,
characters that no database accepts. What passes here can be stored and shown; anything else raises
`PayloadError` and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib import import_module
from math import isfinite
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar

from nurture.domain.errors import NurtureError
from nurture.domain.kept_payload import KeptFields

#: Real payloads nest six or seven deep; a hundred would use stack for nothing.
DEEPEST = 32

Verify = Callable[[str, Mapping[str, str], bytes, datetime], None]

_T = TypeVar("_T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: The year 5138 in seconds: a larger number counts milliseconds.
_LAST_SECOND = 100_000_000_000

#: An earlier time is not one: it comes from a clock that was never set, or counts something else.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

_COUNT = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?")


class PayloadError(NurtureError):
    """A body that does not match its sender's documentation; `field` names the place."""

    def __init__(self, field: str, problem: str, *, remedy: str = "") -> None:
        super().__init__(f"{field}: {problem}", remedy=remedy)
        self.field = field


def json_body(body: bytes) -> object:
    """Return a body's JSON (RFC 8259), fit to be stored; raise PayloadError if it is not JSON.

    Characters that text columns refuse (NUL, half of a surrogate pair) become U+FFFD.
    """
    try:
        return _storable(json.loads(body.decode("utf-8"), parse_constant=_refuse), DEEPEST)
    except (ValueError, RecursionError):
        raise PayloadError("body", "is not JSON.", remedy="Send UTF-8 JSON.") from None


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def _storable(value: object, depth: int) -> object:
    if depth < 0:
        raise PayloadError("body", f"nests deeper than {DEEPEST} levels.", remedy="Flatten it.")
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, dict):
        return {_storable_text(k): _storable(v, depth - 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_storable(item, depth - 1) for item in value]
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("a number too large to keep")
    return value


def _storable_text(text: str) -> str:
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text
    )


@dataclass(frozen=True)
class Fields:
    """One JSON object, read by name.

    `find_x` returns None for a value that is missing, null, empty or of another type, because one
    odd field must not cost the rest; `get_x` raises PayloadError for all of these.
    """

    values: Mapping[str, object]
    path: str = ""

    @classmethod
    def of(cls, value: object, path: str = "body") -> Fields:
        """Return the fields of a JSON object; raise PayloadError for anything else."""
        if not isinstance(value, dict):
            raise PayloadError(path, "must be an object.")
        return cls(value, "" if path == "body" else path)

    def named(self, name: str) -> str:
        """Return a field's full name, for an error."""
        return f"{self.path}.{name}" if self.path else name

    def find_text(self, name: str) -> str | None:
        """Return a text without surrounding blanks; a whole number counts as a text."""
        value = self.values.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return (value.strip() or None) if isinstance(value, str) else None

    def get_text(self, name: str) -> str:
        """Return a text that must be present."""
        return self._present(name, self.find_text(name), "text")

    def find_address(self, name: str) -> str | None:
        """Return a bare email address, even from a field with a name or a list around it."""
        return bare_address(self.values.get(name))

    def get_address(self, name: str) -> str:
        """Return an email address that must be present."""
        return self._present(name, self.find_address(name), "an email address")

    def flag(self, name: str) -> bool:
        """Return whether a field says yes; anything else, including a missing field, does not."""
        value = self.values.get(name)
        return value in (True, 1) or (isinstance(value, str) and value.strip().lower() == "true")

    def find_fields(self, name: str) -> Fields | None:
        """Return the object under a name."""
        value = self.values.get(name)
        return Fields.of(value, self.named(name)) if isinstance(value, dict) else None

    def get_fields(self, name: str) -> Fields:
        """Return the object that must be present under a name."""
        return self._present(name, self.find_fields(name), "an object")

    def objects(self, name: str) -> list[Fields]:
        """Return the objects in a list, or the only one; anything else is left out."""
        value = self.values.get(name)
        items = value if isinstance(value, list) else [value]
        return [
            Fields.of(item, f"{self.named(name)}[{index}]")
            for index, item in enumerate(items)
            if isinstance(item, dict)
        ]

    def find_moment(self, name: str) -> datetime | None:
        """Return a time in UTC: ISO 8601 or RFC 5322 with an offset, or counted from 1970.

        A count may be a whole number, a decimal or a text, of seconds or of milliseconds. Times
        before the year 2000 are refused: nothing here happened then.
        """
        moment = _moment(self.values.get(name))
        return moment if moment and moment >= _EARLIEST else None

    def get_moment(self, name: str) -> datetime:
        """Return a time that must be present, in UTC."""
        return self._present(name, self.find_moment(name), "a time")

    def _present(self, name: str, value: _T | None, what: str) -> _T:
        if value is None:
            given = str(self.values.get(name) or "").strip()
            problem = f"is not {what}." if given else "is missing."
            raise PayloadError(self.named(name), problem, remedy="Send it.")
        return value


#: Something in a body and its place: an event before any of it has been read.
Part = tuple[object, str]


def parts(value: object, path: str = "body") -> list[Part]:
    """Return the events in a list, or the only one."""
    if not isinstance(value, list):
        return [(value, path)]
    return [(item, f"{path}[{index}]") for index, item in enumerate(value)]


def events_of(body: bytes) -> list[Part]:
    """Return the event or events of a body, or raise PayloadError if it is not JSON."""
    return parts(json_body(body))


def events_under(name: str, body: bytes, otherwise: str) -> list[Part]:
    """Return the event or events in a field; raise PayloadError, saying `otherwise`, if neither."""
    told = Fields.of(json_body(body)).values.get(name)
    if not isinstance(told, list | dict):
        raise PayloadError(name, otherwise)
    return parts(told, name)


def read_each(
    found: Sequence[Part],
    read: Callable[[Fields], list[_T]],
    note_odd: Callable[[PayloadError], None],
) -> list[_T]:
    """Return what the parts of a body say, in their order.

    A part that cannot be read does not affect the others: it is passed to `note_odd`. Raise
    PayloadError if there are parts and none of them can be read.
    """
    said: list[_T] = []
    odd: list[PayloadError] = []
    for value, path in found:
        try:
            said += read(Fields.of(value, path))
        except PayloadError as problem:
            odd.append(problem)
    if odd and not said:
        raise odd[0]
    for one in odd:
        note_odd(one)
    return said


def ignore_odd(problem: PayloadError) -> None:
    """Do nothing about a part that cannot be read."""


@dataclass(frozen=True)
class EventSource(ABC, Generic[_T]):
    """How one provider's calls are verified and read.

    `verify(secret, headers, body, now)` raises SignatureError unless the call is the provider's.
    `split(body)` returns the events of a body unparsed, and `read(fields)` parses one of them;
    both raise PayloadError naming the invalid field. `keeps` names the parts of an event that are
    stored. `secret_help` is a sentence telling the owner where to find the secret. `tolerance` is
    how far the signed time may be from now, or None if no time is signed.
    """

    name: str
    verify: Verify
    read: Callable[[Fields], list[_T]]
    keeps: KeptFields
    secret_help: str
    split: Callable[[bytes], list[Part]] = field(default=events_of, kw_only=True)
    tolerance: timedelta | None = None

    def parse(self, body: bytes, note_odd: Callable[[PayloadError], None] = ignore_odd) -> list[_T]:
        """Return the events of a body, each reduced to the parts that are stored.

        An event that cannot be read is passed to `note_odd` and does not affect the others. Raise
        PayloadError, naming the invalid field, if none can be read.
        """
        return [self._cut(event) for event in read_each(self.split(body), self.read, note_odd)]

    @abstractmethod
    def _cut(self, event: _T) -> _T: ...


def providers_in(package: str, path: Iterable[str]) -> list[Any]:
    """Return the `PROVIDER` of each module in a package."""
    return [import_module(f"{package}.{found.name}").PROVIDER for found in iter_modules(path)]


def _moment(value: object) -> datetime | None:
    if isinstance(value, str) and not _COUNT.fullmatch(value.strip()):
        return _from_words(value.strip())
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        return _from_count(value)
    return None


def _from_words(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _from_count(value: float | str) -> datetime | None:
    try:
        count = float(value)
        return _EPOCH + timedelta(seconds=count / 1000 if abs(count) > _LAST_SECOND else count)
    except (ValueError, OverflowError):
        return None


def bare_address(value: object) -> str | None:
    """Return the address in `Ann <ann@example.org>`, in a list of one, or in an object."""
    match value:
        case str():
            return value.rpartition("<")[2].partition(">")[0].strip() or None
        case [one]:
            return bare_address(one)
        case {"email": one} | {"address": one} | {"value": one}:
            return bare_address(one)
    return None


def bare_message_id(text: str | None) -> str | None:
    """Return a Message-ID without blanks and angle brackets, or None if nothing is left."""
    return (text or "").strip().removeprefix("<").removesuffix(">").strip() or None


def digest(*parts: object) -> str:
    """Return 128 bits in hexadecimal that identify some JSON values, the same every time.

    This is for event ids: providers that give none send the same values when they try again.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode("ascii"), digest_size=16).hexdigest()
