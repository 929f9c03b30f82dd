"""Everything in the database about one message, from its enrolment to what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import revisions
from nurture.store.tables.subscribers import subscribers


@dataclass(frozen=True, slots=True)
class TracedMessage:
    """One message's rows: its own, its enrolment's, its revision's and those of its events.

    `events` are in the order in which they happened; each is a row of the table.
    """

    id: int
    subscriber: int
    address: str | None
    sequence: str
    step: str
    kind: str
    status: str
    attempt: int
    claim: str
    due_at: datetime
    claimed_at: datetime
    accepted_at: datetime | None
    reason: str
    code: int | None
    revision: int
    published_at: datetime
    enrolled_at: datetime
    next_look_at: datetime | None
    held_at: datetime | None
    ended_at: datetime | None
    events: tuple[Mapping[str, Any], ...]


def find_traced(connection: Connection, message: int) -> TracedMessage | None:
    """Return what the database says about a message, or `None` if it has no such row."""
    own = messages.c
    row = connection.execute(
        select(
            own.id,
            own.subscriber_id.label("subscriber"),
            subscribers.c.address,
            own.sequence,
            own.step,
            own.kind,
            own.status,
            own.attempt,
            own.claim,
            own.due_at,
            own.claimed_at,
            own.accepted_at,
            own.reason,
            own.code,
            revisions.c.number.label("revision"),
            revisions.c.published_at,
            enrolments.c.enrolled_at,
            enrolments.c.next_look_at,
            enrolments.c.held_at,
            enrolments.c.ended_at,
        )
        .join(enrolments, enrolments.c.id == own.enrolment_id)
        .join(subscribers, subscribers.c.id == own.subscriber_id)
        .join(revisions, revisions.c.id == own.revision_id)
        .where(own.id == message)
    ).one_or_none()
    if row is None:
        return None
    return TracedMessage(**row._mapping, events=_events_of(connection, message))


def _events_of(connection: Connection, message: int) -> tuple[Mapping[str, Any], ...]:
    rows = select(events).where(events.c.message_id == message)
    found = connection.execute(rows.order_by(events.c.happened_at, events.c.id))
    return tuple(dict(row) for row in found.mappings())
