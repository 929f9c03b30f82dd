"""Holds: what was due in a period without records, held back until the owner decides."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, literal, select, update

from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import Code, Reason
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.tracking.events import EventKind
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.message_changes import set_aside
from nurture.store.tables.subscribers import subscribers
from nurture.store.types import UtcDateTime

_ACTIVE = enrolments.c.status == EnrolmentStatus.ACTIVE
#: Marks, in an event's stored part, an email whose row was lost.
LOST = "lost"

_HELD = enrolments.c.held_at.is_not(None)

#: States of what was in hand when the backup was made, and what may have become of it.
_MAY_BE = {
    MessageStatus.CLAIMED: (MessageStatus.DEFERRED, Reason(Code.IN_HAND_AT_BACKUP)),
    MessageStatus.SENDING: (MessageStatus.IN_DOUBT, Reason(Code.OFFERED_AT_BACKUP)),
}


def due_by(connection: Connection, now: datetime) -> list[int]:
    """Return the enrolments to be looked at by now."""
    due = select(enrolments.c.id).where(_ACTIVE, enrolments.c.next_look_at <= now)
    return list(connection.scalars(due.order_by(enrolments.c.id)))


def take_out_of_hand(connection: Connection) -> set[int]:
    """Defer messages that were in hand, or put them in doubt; return their enrolments."""
    numbers = set()
    for status, (becomes, why) in _MAY_BE.items():
        numbers |= set_aside(connection, status, becomes, why)
    return numbers


def hold(connection: Connection, enrolment_ids: Iterable[int], now: datetime) -> None:
    """Hold these enrolments until the owner decides what happens to them."""
    rows = [{"number": number} for number in enrolment_ids]
    those = _ACTIVE & (enrolments.c.id == bindparam("number"))
    values = {
        "held_at": now,
        "next_look_at": func.coalesce(enrolments.c.next_look_at, literal(now, UtcDateTime)),
        "turn": enrolments.c.turn + 1,
    }
    if rows:
        connection.execute(update(enrolments).where(those).values(values), rows)


def held_numbers(connection: Connection, subscriber_id: int | None = None) -> list[int]:
    """Return the held enrolments, longest due first: everyone's, or one person's."""
    held = select(enrolments.c.id).where(_ACTIVE, _HELD)
    if subscriber_id is not None:
        held = held.where(enrolments.c.subscriber_id == subscriber_id)
    return list(connection.scalars(held.order_by(enrolments.c.next_look_at, enrolments.c.id)))


def count_held(connection: Connection) -> int:
    """Count the held enrolments."""
    return len(held_numbers(connection))


def whose(connection: Connection, enrolment_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Return the address and first name of the person in each of these enrolments."""
    found = select(enrolments.c.id, subscribers.c.address, subscribers.c.first_name).join(
        subscribers, subscribers.c.id == enrolments.c.subscriber_id
    )
    rows = connection.execute(found.where(enrolments.c.id.in_(list(enrolment_ids))))
    return {row.id: (row.address or "", row.first_name) for row in rows}


def delivered_to(
    connection: Connection, enrolment_ids: Collection[int], since: datetime
) -> dict[int, list[datetime]]:
    """Return when emails from the lost machine were reported to have reached these people."""
    theirs = select(enrolments.c.subscriber_id).where(enrolments.c.id.in_(list(enrolment_ids)))
    told = select(events.c.subscriber_id, events.c.happened_at, events.c.raw).where(
        events.c.subscriber_id.in_(theirs),
        events.c.message_id.is_(None),
        events.c.kind == EventKind.DELIVERED,
        events.c.happened_at >= since,
    )
    found: dict[int, list[datetime]] = {}
    for person, at, raw in connection.execute(told):
        if (raw or {}).get(LOST):
            found.setdefault(person, []).append(at)
    return found


def release(connection: Connection, enrolment_ids: Iterable[int], now: datetime) -> None:
    """Release these enrolments from their hold; they are looked at immediately."""
    those = enrolments.c.id.in_(list(enrolment_ids))
    values = {"held_at": None, "next_look_at": now, "turn": enrolments.c.turn + 1}
    connection.execute(update(enrolments).where(those, _ACTIVE, _HELD).values(values))
