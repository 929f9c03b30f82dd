"""Reading JSON that somebody else wrote, and saying which field is at fault.

A payload can hold anything at all: nesting a thousand deep, times in the year 99999, characters
no database takes. What passes here can be kept and shown; what does not raises `PayloadError`
and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TypeVar

from nurture.domain.errors import NurtureError

#: Real payloads nest six or seven deep; a hundred would cost stack for nothing.
DEEPEST = 32

_T = TypeVar("_T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PayloadError(NurtureError):
    """A body is not what its sender's documentation says; `field` names the place."""

    def __init__(self, field: str, problem: str, *, remedy: str = "") -> None:
        super().__init__(f"{field}: {problem}", remedy=remedy)
        self.field = field


def json_body(body: bytes) -> object:
    """Return a body's JSON (RFC 8259), fit to be stored; PayloadError where it is not JSON.

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

    `find_x` returns None for what is missing, null or empty; `get_x` raises PayloadError for
    that; both raise it for a value of the wrong type.
    """

    values: Mapping[str, object]
    path: str = ""

    @classmethod
    def of(cls, value: object, path: str = "body") -> Fields:
        """Return the fields of a JSON object; PayloadError for anything else."""
        if not isinstance(value, dict):
            raise PayloadError(path, "must be an object.")
        return cls(value, "" if path == "body" else path)

    def named(self, name: str) -> str:
        """Return a field's full name, for an error."""
        return f"{self.path}.{name}" if self.path else name

    def find_text(self, name: str) -> str | None:
        """Return a text without surrounding blanks; a whole number counts as one."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise PayloadError(self.named(name), "must be text.")
        return value.strip() or None

    def get_text(self, name: str) -> str:
        """Return a text that must be there."""
        return self._present(name, self.find_text(name))

    def flag(self, name: str) -> bool:
        """Return whether a field is `true`; anything else, missing included, is not."""
        return self.values.get(name) is True

    def find_fields(self, name: str) -> Fields | None:
        """Return the object under a name."""
        value = self.values.get(name)
        return None if value is None else Fields.of(value, self.named(name))

    def get_fields(self, name: str) -> Fields:
        """Return the object that must be under a name."""
        return self._present(name, self.find_fields(name))

    def objects(self, name: str) -> list[Fields]:
        """Return the objects in a list; a missing list is empty."""
        value = self.values.get(name)
        return [] if value is None else objects(value, self.named(name))

    def find_moment(self, name: str) -> datetime | None:
        """Return an ISO 8601 time with an offset, in UTC."""
        text = self.find_text(name)
        return None if text is None else _from_iso(text, self.named(name))

    def get_moment(self, name: str) -> datetime:
        """Return an ISO 8601 time that must be there, in UTC."""
        return self._present(name, self.find_moment(name))

    def find_unix(self, name: str, per_second: int = 1) -> datetime | None:
        """Return a time counted from 1970 (whole, broken or as text), in UTC.

        The count is of seconds, or of thousandths with `per_second` 1000.
        """
        value = self.values.get(name)
        return None if value in (None, "") else _from_unix(value, per_second, self.named(name))

    def get_unix(self, name: str, per_second: int = 1) -> datetime:
        """Return a time counted from 1970 that must be there, in UTC."""
        return self._present(name, self.find_unix(name, per_second))

    def _present(self, name: str, value: _T | None) -> _T:
        if value is None:
            raise PayloadError(self.named(name), "is missing.", remedy="Send it.")
        return value


def objects(value: object, path: str = "body") -> list[Fields]:
    """Return the objects in a JSON list; PayloadError names the one that is none."""
    if not isinstance(value, list):
        raise PayloadError(path, "must be a list.")
    return [Fields.of(item, f"{path}[{index}]") for index, item in enumerate(value)]


def _from_iso(text: str, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PayloadError(
        field,
        "is not a time.",
        remedy="Send ISO 8601 with an offset: 2026-03-01T08:30:00Z.",
    )


def _from_unix(value: object, per_second: int, field: str) -> datetime:
    try:
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            return _EPOCH + timedelta(seconds=float(value) / per_second)
    except (ValueError, OverflowError):
        pass
    raise PayloadError(field, "is not a time.", remedy="Send seconds since 1970.")


def bare_message_id(text: str | None) -> str | None:
    """Return a Message-ID without blanks and angle brackets, or None where nothing is left."""
    return (text or "").strip().removeprefix("<").removesuffix(">").strip() or None


def digest(*parts: object) -> str:
    """Return 128 bits in hexadecimal that stand for some JSON values, the same every time.

    For event ids: providers that give none send the same values again when they try again.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode("ascii"), digest_size=16).hexdigest()
