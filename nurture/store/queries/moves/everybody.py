"""All people, in chunks: the rows that an export of them carries, and why it leaves others out."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from nurture.domain.imports.carried import LIST_FIELDS, PERSON_FIELDS
from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.sequence import ANSWERS
from nurture.domain.subscribers.bookings import BOOKINGS
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.store.database import among, as_numbers
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.signups import SOURCE_COLUMNS, signups
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import lifted_suppressions, suppressions

Record = dict[str, Any]

_NUMBER = "a number of this installation, which means nothing elsewhere"
_HASH = "made with this installation's key; made again from the address, or carried by its own row"
_OF_THE_HOUR = "counts within the hour only, and never again"
_HISTORY = "history; what was passed says which emails nobody gets again"

#: The tables with rows that are carried, each with the list of a person that they become.
CARRIED: Mapping[str, sa.Table] = MappingProxyType(
    {
        "suppressions": suppressions,
        "lifted": lifted_suppressions,
        "consents": consents,
        "signups": signups,
        "enrolments": enrolments,
        "bookings": events,
    }
)

#: The columns of carried tables that are left out, with the reason.
LEFT_OUT: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "subscribers": {
            "id": _NUMBER,
            "address_key": "follows from the address",
            **dict.fromkeys(("address_hash", "mailbox_hash"), _HASH),
            "erased": "people who were erased are not carried, except that nobody emails them",
            "quiet_since": "a hint; silence counts from the import, as signs of life stay behind",
        },
        "suppressions": {"address_hash": _HASH},
        "lifted": {"address_hash": _HASH},
        "consents": {"id": _NUMBER, "subscriber_id": _NUMBER},
        "signups": {
            "id": _NUMBER,
            "subscriber_id": _NUMBER,
            **dict.fromkeys(("near", "site", "wide", "again"), _OF_THE_HOUR),
            **dict.fromkeys(SOURCE_COLUMNS, "follows from the page and the UTM parameters"),
        },
        "enrolments": {
            "id": _NUMBER,
            "subscriber_id": _NUMBER,
            "next_look_at": "a hint; what is due is decided again",
            "turn": "counts changes while a message is on its way, and none is",
            "held_at": "belongs to the installation that is not sure; the other one holds as well",
            "broadcast": "a broadcast stays with the installation that sends it",
            "moved": "a hint; a broadcast of the other installation has moved nothing",
        },
        "bookings": {
            **dict.fromkeys(("id", "subscriber_id", "message_id"), _NUMBER),
            **dict.fromkeys(("email", "topics", "link", "query", "method", "bounce"), _HISTORY),
            **dict.fromkeys(("reasons", "rules", "client", "user_agent"), _HISTORY),
            "raw": "the calendar's own words, which are kept for a while only",
        },
    }
)

#: The tables about people of which nothing is carried, with the reason.
STAY_BEHIND: Mapping[str, str] = MappingProxyType(
    {
        "messages": _HISTORY,
        "withdrawals": "the journal, in which the other installation lists what it takes in",
        "refusals": _HISTORY,
        "waiting_signups": "not taken in yet; the website or the owner decides about it here",
        "awaited_consents": "ticked, but not confirmed; the link that would do it is of this one",
        "import_rows": "what a list proved; the consents that it brought are carried, with proof",
        "complaints": "correspondence with its own deadlines, which an evidence bundle carries",
    }
)

_KNOWN = ~subscribers.c.erased & subscribers.c.address.is_not(None)
#: What may have been sent although its step has not been passed yet.
_MAY_BE_SENT = messages.c.status.in_(
    (MessageStatus.SENDING, MessageStatus.IN_DOUBT)
) & messages.c.kind.not_in(ANSWERS)


def count_people(connection: sa.Connection) -> int:
    """Count the people in an export."""
    return connection.scalar(sa.select(sa.func.count()).where(_KNOWN)) or 0


def people_after(
    connection: sa.Connection,
    number: int,
    limit: int,
    hashes_of: Callable[[str], Sequence[str]],
) -> tuple[int, list[Record]]:
    """Return the people with the next numbers, and the last of these numbers.

    Each has `email`, the columns of a person, and the lists of `LIST_FIELDS`, oldest first.
    `hashes_of` returns every keyed hash that may suppress an address.
    """
    columns = [subscribers.c[name] for name in PERSON_FIELDS]
    chosen = sa.select(
        subscribers.c.id,
        subscribers.c.address,
        subscribers.c.address_hash,
        subscribers.c.mailbox_hash,
        *columns,
    )
    ordered = chosen.where(_KNOWN, subscribers.c.id > number).order_by(subscribers.c.id)
    rows = connection.execute(ordered.limit(limit)).mappings().all()
    numbers = [row["id"] for row in rows]
    hashes = {row["id"]: _hashes(row, hashes_of) for row in rows}
    lists = _lists_of(connection, numbers, hashes)
    _add_refusals_of_mailboxes(connection, rows, lists["suppressions"])
    people = [
        {"email": row["address"]}
        | {name: row[name] for name in PERSON_FIELDS}
        | {name: lists[name].get(row["id"], []) for name in LIST_FIELDS}
        for row in rows
    ]
    return (numbers[-1] if numbers else number), people


def addresses_after(
    connection: sa.Connection, address_hash: str, limit: int
) -> tuple[str, list[Record]]:
    """Return the next suppressed addresses of which only the hash is known, and the last hash."""
    every = sa.union(
        *(sa.select(table.c.address_hash) for table in (suppressions, lifted_suppressions))
    ).subquery()
    known = sa.exists().where(_KNOWN, subscribers.c.address_hash == every.c.address_hash)
    after = sa.select(every.c.address_hash).where(every.c.address_hash > address_hash, ~known)
    found = list(connection.scalars(after.order_by(every.c.address_hash).limit(limit)))
    whose = {each: [each] for each in found}
    lists = {
        "suppressions": _suppressions(connection, whose, {}),
        "lifted": _by_hash(connection, "lifted", whose),
    }
    rows = [
        {"address_hash": each} | {name: lists[name].get(each, []) for name in lists}
        for each in found
    ]
    return (found[-1] if found else address_hash), rows


def _hashes(row: sa.RowMapping, hashes_of: Callable[[str], Sequence[str]]) -> list[str]:
    return [one for one in dict.fromkeys((row["address_hash"], *hashes_of(row["address"]))) if one]


def _lists_of(
    connection: sa.Connection, numbers: Sequence[int], hashes: Mapping[int, Sequence[str]]
) -> dict[str, dict[int, list[Record]]]:
    every = rows_by_person(connection, enrolments, numbers, [enrolments.c.id])
    sequences = {one["id"]: one["sequence"] for each in every.values() for one in each}
    enrolled = {
        number: [one for one in each if one["broadcast"] is None] for number, each in every.items()
    }
    _pass_what_may_be_sent(connection, enrolled, numbers)
    said = (consents.c.recorded_at, consents.c.id)
    booked = rows_by_person(connection, events, numbers, [events.c.id], events.c.kind.in_(BOOKINGS))
    found = {
        "consents": rows_by_person(connection, consents, numbers, said),
        "signups": rows_by_person(connection, signups, numbers, [signups.c.id]),
        "enrolments": enrolled,
        "bookings": _whether_booker(booked),
        "suppressions": _suppressions(connection, hashes, sequences),
        "lifted": _by_hash(connection, "lifted", hashes),
    }
    return {name: _only_carried(name, lists) for name, lists in found.items()}


def rows_by_person(
    connection: sa.Connection,
    table: sa.Table,
    numbers: Sequence[int],
    order: Sequence[sa.Column[Any]],
    where: sa.ColumnElement[bool] | None = None,
) -> dict[int, list[Record]]:
    """Return the rows of a table about these people, each person's in that order."""
    theirs = among(connection.dialect.name, table.c.subscriber_id, "people")
    statement = sa.select(table).where(theirs).order_by(*order)
    statement = statement if where is None else statement.where(where)
    found: dict[int, list[Record]] = {}
    given = {"people": as_numbers(connection, numbers)}
    for row in connection.execute(statement, given).mappings():
        found.setdefault(row["subscriber_id"], []).append(dict(row))
    return found


def _pass_what_may_be_sent(
    connection: sa.Connection, enrolled: Mapping[int, list[Record]], numbers: Sequence[int]
) -> None:
    """Count the steps as passed whose messages a mail server may have accepted just now.

    A guide is left as it is, because people who asked for it would rather have it twice than never.
    """
    theirs = among(connection.dialect.name, messages.c.subscriber_id, "people")
    columns = (messages.c.enrolment_id, messages.c.step, messages.c.occasion)
    offered = sa.select(*columns).where(theirs, _MAY_BE_SENT)
    given = {"people": as_numbers(connection, numbers)}
    sent: dict[tuple[int, int], set[str]] = {}
    for enrolment, step, occasion in connection.execute(offered, given):
        sent.setdefault((enrolment, occasion), set()).add(step)
    for one in (row for rows in enrolled.values() for row in rows):
        one["passed"] |= sent.get((one["id"], one["occasion"]), set())


def _add_refusals_of_mailboxes(
    connection: sa.Connection, people: Sequence[sa.RowMapping], told: dict[int, list[Record]]
) -> None:
    """Add what other spellings of a mailbox refused, in case none of them is carried."""
    mailboxes = {row["id"]: [row["mailbox_hash"]] for row in people if row["mailbox_hash"]}
    fields = LIST_FIELDS["suppressions"]
    for number, several in _by_hash(connection, "suppressions", mailboxes).items():
        own = told.setdefault(number, [])
        reasons = {one["reason"] for one in own} | {SuppressionReason.BOUNCED}
        own += [{f: row[f] for f in fields} for row in several if row["reason"] not in reasons]


def _whether_booker(booked: dict[int, list[Record]]) -> dict[int, list[Record]]:
    for row in (row for rows in booked.values() for row in rows):
        row["booker"] = row["booker"] is not None
    return booked


def _suppressions(
    connection: sa.Connection,
    hashes: Mapping[Any, Sequence[str]],
    sequences: Mapping[int, str],
) -> dict[Any, list[Record]]:
    found = _by_hash(connection, "suppressions", hashes)
    for row in (row for rows in found.values() for row in rows):
        row["guide_of"] = sequences.get(row["guide_of"])
    return found


def _by_hash(
    connection: sa.Connection, name: str, hashes: Mapping[Any, Sequence[str]]
) -> dict[Any, list[Record]]:
    """Return the rows of a table about these addresses, one for each reason."""
    table = CARRIED[name]
    given = [each for several in hashes.values() for each in several]
    rows = connection.execute(
        sa.select(table).where(table.c.address_hash.in_(given)).order_by(table.c.reason)
    ).mappings()
    by_hash: dict[str, list[Record]] = {}
    for row in rows:
        by_hash.setdefault(row["address_hash"], []).append(dict(row))
    found = {}
    for whose, several in hashes.items():
        reasons = {
            one["reason"]: one for each in reversed(several) for one in by_hash.get(each, ())
        }
        found[whose] = [reasons[reason] for reason in sorted(reasons)]
    return found


def _only_carried(name: str, lists: Mapping[int, list[Record]]) -> dict[int, list[Record]]:
    fields = LIST_FIELDS[name]
    return {
        person: [{field: row[field] for field in fields} for row in rows]
        for person, rows in lists.items()
    }
