"""Bookings: what calendars reported, even about addresses of which nothing else is known.

A booking may be reported before its form is submitted. Until then the event belongs to nobody and
stores the keyed hash of the address, for a year at most.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, literal_column, null, select, update

from nurture.domain.audience.facts import Happened
from nurture.domain.subscribers.bookings import BOOKINGS
from nurture.domain.tracking.events import EventKind
from nurture.store.tables.events import events

_IS_BOOKING = events.c.kind.in_([literal_column(f"'{kind}'") for kind in BOOKINGS])


def told_of(connection: Connection, subscriber_id: int) -> list[Happened]:
    """Return what calendars reported about one subscriber."""
    return _told(connection, events.c.subscriber_id == subscriber_id)


def told_of_booker(connection: Connection, address_hashes: Collection[str]) -> list[Happened]:
    """Return what calendars reported about an address, even if nothing else is known about it."""
    return _told(connection, events.c.booker.in_(address_hashes))


def told_of_nobody(connection: Connection, address_hashes: Collection[str]) -> list[Happened]:
    """Return what calendars reported about an address before anyone signed up with it."""
    return _told(connection, _of_nobody(address_hashes))


def give_bookings_to(
    connection: Connection, address_hashes: Collection[str], subscriber_id: int
) -> None:
    """Give the subscriber who has an address now what was reported about it before.

    The address must be locked: see `locks.hold_address`.
    """
    theirs = update(events).where(_of_nobody(address_hashes))
    connection.execute(theirs.values(subscriber_id=subscriber_id))


def take_bookings_from(connection: Connection, subscriber_ids: Collection[int]) -> None:
    """Make what calendars reported about these people nobody's again, as before they signed up."""
    theirs = events.c.subscriber_id.in_(subscriber_ids) & events.c.booker.is_not(None)
    connection.execute(
        update(events).where(theirs, _IS_BOOKING).values(subscriber_id=None, raw=null())
    )


def forget_bookers(connection: Connection, before: datetime) -> int:
    """Forget which address made each booking before that moment; return how many there were.

    If the person is known, the event itself stays theirs. One that another transaction has locked
    is left until the next time.
    """
    due = select(events.c.id).where(events.c.booker.is_not(None), events.c.happened_at < before)
    free = due.with_for_update(skip_locked=True, key_share=True)
    old = events.c.id.in_(list(connection.scalars(free)))
    of_nobody = old & events.c.subscriber_id.is_(None)
    connection.execute(update(events).where(of_nobody).values(raw=null()))
    return connection.execute(update(events).where(old).values(booker=None)).rowcount


def _of_nobody(address_hashes: Collection[str]) -> ColumnElement[bool]:
    return events.c.booker.in_(address_hashes) & events.c.subscriber_id.is_(None)


def _told(connection: Connection, where: ColumnElement[bool]) -> list[Happened]:
    statement = select(events.c.kind, events.c.happened_at).where(where, _IS_BOOKING)
    rows = connection.execute(statement.order_by(events.c.happened_at, events.c.id))
    return [Happened(EventKind(row.kind), row.happened_at) for row in rows]
