"""What was sent to one person, with the form whose wording covers it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from nurture.domain.sequences.sequence import StepKind
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages, stored_kind


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message: what it contained, when it was claimed, and when it was sent, as far as known.

    `covered_by` is the form whose wording covers a sequence without a form of its own.
    """

    id: int
    subscriber: int
    sequence: str
    step: str
    kind: StepKind
    revision: int
    due_at: datetime
    claimed_at: datetime
    sent_at: datetime
    covered_by: str


def find_sent(connection: Connection, message_id: int) -> SentMessage | None:
    """Return one message, or `None` if there is no such number."""
    row = connection.execute(_selected().where(messages.c.id == message_id)).one_or_none()
    return _as_sent(row) if row else None


def sent_to(connection: Connection, subscriber_id: int) -> list[SentMessage]:
    """Return every message to a person that a mail server has accepted, newest first."""
    theirs = (messages.c.subscriber_id == subscriber_id) & messages.c.accepted_at.is_not(None)
    newest_first = (messages.c.accepted_at.desc(), messages.c.id.desc())
    rows = connection.execute(_selected().where(theirs).order_by(*newest_first))
    return [_as_sent(row) for row in rows]


def _selected() -> Select[Any]:
    own = messages.c
    return select(
        own.id,
        own.subscriber_id.label("subscriber"),
        own.sequence,
        own.step,
        own.kind,
        own.revision_id.label("revision"),
        own.due_at,
        own.claimed_at,
        func.coalesce(own.accepted_at, own.claimed_at).label("sent_at"),
        func.coalesce(enrolments.c.covered_by, "").label("covered_by"),
    ).join(enrolments, enrolments.c.id == own.enrolment_id)


def _as_sent(row: Row[Any]) -> SentMessage:
    return SentMessage(**{**row._mapping, "kind": stored_kind(row.kind)})
