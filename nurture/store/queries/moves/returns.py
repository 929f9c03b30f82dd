"""People who come back from an export: what is known of many at once, and writing it all down.

Everything here takes a few hundred people and a handful of statements, in the order of locks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.address import address_key, address_keys
from nurture.domain.subscribers.suppression import SuppressionReason, ending_by, strongest
from nurture.store.database import insert_new
from nurture.store.personal import end_everything
from nurture.store.queries import locks
from nurture.store.tables.enrolments import enrolments, look_at_once, of_subscribers, reword_ends
from nurture.store.tables.events import NewEvent, add_events, events
from nurture.store.tables.restores import numbered
from nurture.store.tables.signups import signups, source_columns
from nurture.store.tables.subscribers import AddedMeanwhileError, subscribers

Row = Mapping[str, Any]


def hold_known(
    connection: sa.Connection, address_hashes: Iterable[str], addresses: Iterable[str]
) -> None:
    """Lock these addresses, the people who have them, and their enrolments."""
    hashes = set(address_hashes)
    locks.hold_addresses(connection, hashes)
    known = {row["id"] for row in find_known(connection, addresses).values()}
    known |= set(find_by_hashes(connection, hashes).values())
    locks.hold_people(connection, known)
    locks.hold(connection, of_subscribers(known))


def find_known(connection: sa.Connection, addresses: Iterable[str]) -> dict[str, Row]:
    """Return the person with each of these addresses, however it is spelt, if there is one."""
    keys = {address: address_keys(address) for address in addresses}
    every = {key for several in keys.values() for key in several}
    found = sa.select(subscribers).where(subscribers.c.address_key.in_(every))
    rows: list[Row] = [dict(row) for row in connection.execute(found).mappings()]
    by_key = {row["address_key"]: row for row in rows}
    whose = {
        a: next((by_key[k] for k in several if k in by_key), None) for a, several in keys.items()
    }
    return {address: row for address, row in whose.items() if row is not None}


def find_by_hashes(connection: sa.Connection, address_hashes: Collection[str]) -> dict[str, int]:
    """Return the number of the person with each of these keyed hashes, unless erased."""
    columns = (subscribers.c.address_hash, subscribers.c.id)
    theirs = subscribers.c.address_hash.in_(address_hashes) & ~subscribers.c.erased
    return {row[0]: row[1] for row in connection.execute(sa.select(*columns).where(theirs))}


def add_people(connection: sa.Connection, rows: Sequence[Row]) -> dict[str, int]:
    """Add people who are not known yet; return the number of each by the address."""
    keyed = [{**row, "address_key": address_key(row["address"])} for row in rows]
    given = numbered(connection, subscribers, keyed)
    added = insert_new(connection, subscribers, given, "address", "id")
    if len(added) < len(rows):
        raise AddedMeanwhileError("Someone has just been added.", remedy="Try again.")
    return {row.address: row.id for row in added}


def change_people(connection: sa.Connection, changes: Mapping[int, Row]) -> None:
    """Set columns of several people, each their own."""
    _change(connection, subscribers, sa.update(subscribers), changes)


def add_enrolments(connection: sa.Connection, rows: Sequence[Row], now: datetime) -> None:
    """Enrol people as they were elsewhere; those under way are held until the owner decides."""
    under_way = {"next_look_at": now, "held_at": now}
    ended = {"next_look_at": None, "held_at": None}
    given = [
        {**row, **(under_way if row["status"] == EnrolmentStatus.ACTIVE else ended)} for row in rows
    ]
    insert_new(connection, enrolments, numbered(connection, enrolments, given))


def pass_steps(connection: sa.Connection, passed: Mapping[int, frozenset[str]]) -> None:
    """Set which steps these enrolments have passed; plans made before become stale."""
    turned = sa.update(enrolments).values(turn=enrolments.c.turn + 1)
    changes = {number: {"passed": steps} for number, steps in passed.items()}
    _change(connection, enrolments, turned, changes)


def numbers_in(connection: sa.Connection, people: Collection[int]) -> dict[tuple[int, str], int]:
    """Return the number of each enrolment of these people, by person and sequence."""
    columns = (enrolments.c.subscriber_id, enrolments.c.sequence, enrolments.c.id)
    found = connection.execute(sa.select(*columns).where(of_subscribers(people)))
    return {(row[0], row[1]): row[2] for row in found}


def add_signups(connection: sa.Connection, rows: Sequence[Row]) -> None:
    """Record that forms were submitted elsewhere."""
    if rows:
        told = [{**row, **source_columns(row["utm"], row["page_url"])} for row in rows]
        connection.execute(sa.insert(signups), told)


def known_sources(connection: sa.Connection, source_keys: Collection[str]) -> set[str]:
    """Return which of these events are stored already."""
    found = sa.select(events.c.source_key).where(events.c.source_key.in_(source_keys))
    return set(connection.scalars(found))


def add_bookings(connection: sa.Connection, rows: Sequence[Row]) -> None:
    """Record what calendars reported elsewhere."""
    add_events(connection, [NewEvent(**row) for row in rows])


def bookers_of_nobody(connection: sa.Connection, address_hashes: Collection[str]) -> set[str]:
    """Return with which of these addresses something was booked before anyone signed up."""
    theirs = events.c.booker.in_(address_hashes) & events.c.subscriber_id.is_(None)
    return set(connection.scalars(sa.select(events.c.booker).where(theirs)))


def end_suppressed(
    connection: sa.Connection, reasons: Mapping[int, Collection[str]], now: datetime
) -> None:
    """End everything of people who are suppressed, for the strongest of their reasons."""
    for reason in SuppressionReason:
        those = [one for one, all_of in reasons.items() if _strongest(all_of) is reason]
        ending = ending_by(reason)
        if those:
            end_everything(connection, those, ending.status, now, because=ending.because)
        for person in those:
            reword_ends(connection, person, ending)


def decide_again(connection: sa.Connection, people: Collection[int], now: datetime) -> None:
    """Have everything of these people decided again, because what they want has changed."""
    if people:
        look_at_once(connection, of_subscribers(people), now)


def _strongest(reasons: Iterable[str]) -> SuppressionReason | None:
    """Return the strongest reason; one that only a newer program knows counts as a complaint."""
    known = {one.value: one for one in SuppressionReason}
    return strongest(known.get(one, SuppressionReason.COMPLAINED) for one in reasons)


def _change(
    connection: sa.Connection, table: sa.Table, update: sa.Update, changes: Mapping[int, Row]
) -> None:
    """Set columns of several rows by number, lowest first; rows with the same columns at once."""
    alike: dict[tuple[str, ...], list[Row]] = {}
    for number, values in sorted(changes.items()):
        named = {f"new_{name}": value for name, value in values.items()}
        alike.setdefault(tuple(sorted(values)), []).append(named | {"number": number})
    for names, rows in alike.items():
        new = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        one = update.where(table.c.id == sa.bindparam("number"))
        connection.execute(one.values(new), rows)
