"""What an export of all people carries of each, field by field, and how a file writes it.

Values are written as plain JSON and read back as what they were. A file may have been edited, so
each value is read strictly, and an error names the column and never what stands in it.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.suppression import SuppressionReason

#: What a row is about: a person, or an address that is known only by its keyed hash.
PERSON, ADDRESS = "person", "suppressed address"

#: What is noted of a refusal that could not be read.
UNREAD = "the export said so in a way that could not be read"

#: Databases store no higher number.
_HIGHEST = 2**31 - 1


class CarriedError(NurtureError):
    """A row of an export that cannot be read back as it stands."""


class FieldKind(Enum):
    """What a field holds."""

    TEXT = "text"
    MOMENT = "moment"
    TRUTH = "truth"
    NUMBER = "number"
    WORDS = "words"
    PAIRS = "pairs"
    ZONE = "zone"


class CarriedField(NamedTuple):
    """The kind of a field, and whether it may be missing."""

    kind: FieldKind
    may_be_missing: bool = False


_TEXT, _MOMENT, _TRUTH, _NUMBER, _WORDS, _PAIRS, _ZONE = map(CarriedField, FieldKind)
_MAYBE_TEXT = CarriedField(FieldKind.TEXT, True)
_MAYBE_MOMENT = CarriedField(FieldKind.MOMENT, True)

#: The fields of a person, by the columns of the table.
PERSON_FIELDS: Mapping[str, CarriedField] = MappingProxyType(
    {
        **dict.fromkeys(("first_name", "last_name", "phone"), _TEXT),
        "time_zone": _ZONE,
        "created_at": _MOMENT,
        "confirmed_at": _MAYBE_MOMENT,
        "frequency": _TEXT,
        "paused_until": _MAYBE_MOMENT,
        "paused_by": _MAYBE_TEXT,
        **dict.fromkeys(("booked_until", "boxes_seen_at"), _MAYBE_MOMENT),
        **dict.fromkeys(("client_since", "client_until", "client_basis_at"), _MAYBE_MOMENT),
        "basis_unknown": _TRUTH,
        "came_by": _TEXT,
        "purposes": _WORDS,
    }
)

#: The lists of a person, each with the fields of its records.
LIST_FIELDS: Mapping[str, Mapping[str, CarriedField]] = MappingProxyType(
    {
        "suppressions": {
            "reason": _TEXT,
            "since": _MOMENT,
            "detail": _TEXT,
            "asked_again_at": _MAYBE_MOMENT,
            # The sequence of the enrolment whose guide may be sent once more.
            "guide_of": _MAYBE_TEXT,
        },
        "lifted": {"reason": _TEXT, "lifted_at": _MOMENT},
        "consents": {
            **dict.fromkeys(("purpose", "form"), _TEXT),
            "granted": _TRUTH,
            "recorded_at": _MOMENT,
            "said_at": _MAYBE_MOMENT,
            **dict.fromkeys(("source", "wording", "wording_hash", "privacy_version"), _TEXT),
            **dict.fromkeys(("page_url", "client", "user_agent"), _TEXT),
        },
        "signups": {
            "form": _TEXT,
            "signed_up_at": _MOMENT,
            "received_at": _MAYBE_MOMENT,
            "page_url": _TEXT,
            "utm": _PAIRS,
            "client": _TEXT,
        },
        "enrolments": {
            **dict.fromkeys(("sequence", "status"), _TEXT),
            **dict.fromkeys(("enrolled_at", "anchor_at"), _MOMENT),
            "passed": _WORDS,
            "collected_at": _MAYBE_MOMENT,
            "guide_wanted": _TRUTH,
            "guide_wanted_at": _MOMENT,
            "occasion": _NUMBER,
            "ended_at": _MAYBE_MOMENT,
            **dict.fromkeys(("ended_because", "ends_as"), _MAYBE_TEXT),
            "excused_until": _MAYBE_MOMENT,
            "covered_by": _MAYBE_TEXT,
            "must_collect": _TRUTH,
        },
        "bookings": {
            "kind": _TEXT,
            "happened_at": _MOMENT,
            **dict.fromkeys(("source", "source_key"), _TEXT),
            "verdict": _MAYBE_TEXT,
            # Whether it still counts for anyone who signs up with the address.
            "booker": _TRUTH,
        },
    }
)

#: The columns of the export, in order.
COLUMNS = ("email", "kind", *PERSON_FIELDS, *LIST_FIELDS, "address_hash", "key_mark")


class CarriedPerson(NamedTuple):
    """One person as a file describes them; the values are those of the tables' columns."""

    email: str
    values: Mapping[str, Any]
    lists: Mapping[str, list[dict[str, Any]]]


class CarriedAddress(NamedTuple):
    """A suppressed address of which only the keyed hash is known, with the mark of its key."""

    address_hash: str
    key_mark: str
    lists: Mapping[str, list[dict[str, Any]]]


def plain(value: Any) -> Any:
    """Return a stored value as plain JSON."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case frozenset():
            return sorted(value)
        case Mapping():
            return {name: plain(one) for name, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
    return value


def as_cell(value: Any) -> str:
    """Return a plain JSON value as the text of a cell."""
    match value:
        case None | []:
            return ""
        case str():
            return value
    return json.dumps(value, ensure_ascii=False)


def read_row(cells: Mapping[str, str]) -> CarriedPerson | CarriedAddress:
    """Read the cells of a row by column; raise `CarriedError` if one of them cannot be read."""
    lists = {name: _records(name, cells.get(name, "")) for name in LIST_FIELDS}
    if cells.get("kind") == ADDRESS:
        address_hash = _read(cells.get("address_hash", ""), _TEXT, "address_hash")
        return CarriedAddress(address_hash, cells.get("key_mark", ""), lists)
    values = {
        name: _read(_from_cell(cells.get(name, ""), one.kind, name), one, name)
        for name, one in PERSON_FIELDS.items()
    }
    return CarriedPerson(read_email(cells), values, lists)


def read_email(cells: Mapping[str, str]) -> str:
    """Read the address of a row; raise `CarriedError` if no email could go there."""
    email = _text(cells.get("email", "").strip(), "email")
    mailbox, _, domain = email.rpartition("@")
    if not (mailbox and domain and email.isprintable()) or " " in email:
        raise _unreadable("email")
    return email


def refusals_in(cells: Mapping[str, str], now: datetime) -> list[dict[str, Any]]:
    """Return why the address of a row is not emailed, even if nothing else of it can be read.

    If the reasons cannot be read either, they count as an opt-out.
    """
    try:
        return _records("suppressions", cells.get("suppressions", ""))
    except CarriedError:
        nothing = {"detail": UNREAD, "asked_again_at": None, "guide_of": None}
        return [{"reason": SuppressionReason.UNSUBSCRIBED, "since": now, **nothing}]


def _records(name: str, cell: str) -> list[dict[str, Any]]:
    found = _json(cell, name) if cell.strip() else []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _unreadable(name)
    return [
        {field: _read(one.get(field), kind, name) for field, kind in LIST_FIELDS[name].items()}
        for one in found
    ]


def _from_cell(cell: str, kind: FieldKind, name: str) -> Any:
    """Return the plain value in a cell; a spreadsheet may have written the truth in capitals."""
    if kind is FieldKind.TRUTH:
        return _json(cell.strip().lower() or "false", name)
    if kind is FieldKind.WORDS:
        return _json(cell, name) if cell.strip() else []
    return cell


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _unreadable(name) from None


def _read(value: Any, field: CarriedField, name: str) -> Any:
    """Return the value of a column, or raise `CarriedError` if it is none of that kind."""
    if value is None or (value == "" and field.kind is not FieldKind.TEXT):
        return _missing(field, name)
    if value == "" and field.may_be_missing:
        return None
    match field.kind, value:
        case FieldKind.TEXT, str():
            return _text(value, name)
        case FieldKind.ZONE, str() if _is_zone(value):
            return value
        case FieldKind.MOMENT, str():
            return _moment(value, name)
        case FieldKind.TRUTH, bool():
            return value
        case FieldKind.NUMBER, int() if not isinstance(value, bool) and 0 <= value <= _HIGHEST:
            return value
        case FieldKind.WORDS, list() if all(isinstance(one, str) for one in value):
            return frozenset(word for one in value for word in _text(one, name).split())
        case FieldKind.PAIRS, dict() if all(isinstance(one, str) for one in value.values()):
            return {_text(key, name): _text(one, name) for key, one in value.items()}
    raise _unreadable(name)


def _missing(field: CarriedField, name: str) -> Any:
    if field.may_be_missing:
        return None
    match field.kind:
        case FieldKind.TEXT:
            return ""
        case FieldKind.WORDS:
            return frozenset()
        case FieldKind.PAIRS:
            return {}
    raise _unreadable(name)


def _text(value: str, name: str) -> str:
    """Return a text that any database can store."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _unreadable(name) from None
    return value.replace("\0", "")


def _moment(value: str, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _unreadable(name) from None


@cache
def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name).key)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False


def _unreadable(name: str) -> CarriedError:
    return CarriedError(
        f"What stands under “{name}” cannot be read.",
        remedy="Use the file as it was exported; a spreadsheet that saves it may change it.",
    )
