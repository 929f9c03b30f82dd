"""Messages: the ledger of every email to every subscriber."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.known_words import known
from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import Reason, as_stored, said, to_store
from nurture.domain.sequences.sequence import ANSWERS, StepKind
from nurture.domain.subscribers.consent import Purpose
from nurture.store.tables.subscribers import subscribers
from nurture.store.types import Json, UtcDateTime, metadata

IN_HAND = sa.text("status IN ('claimed', 'sending')")
#: The mail server refused it last, and has not accepted it. Naming a status here would let SQLite
#: look all of that status up and sort them.
REFUSED = sa.text("code >= 400 AND accepted_at IS NULL")
messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("enrolment_id", sa.ForeignKey("enrolments.id"), nullable=False),
    sa.Column("subscriber_id", sa.ForeignKey("subscribers.id"), nullable=False),
    sa.Column("sequence", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("occasion", sa.Integer, nullable=False),
    sa.Column("revision_id", sa.ForeignKey("revisions.id"), nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    # How often it has been in doubt, which decides whether a guide is offered once more.
    sa.Column("doubts", sa.Integer, nullable=False, default=0),
    # The batch that has it in hand, and until when on the real clock that is assumed to be alive.
    sa.Column("claim", sa.Text, nullable=False),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("claimed_at", UtcDateTime, nullable=False),
    sa.Column("accepted_at", UtcDateTime),
    sa.Column("reason", sa.Text, nullable=False, default=""),
    # The reason as a code with what it is about, if the reason is our own; see `domain.reasons`.
    sa.Column("why", sa.Text),
    sa.Column("about", Json),
    sa.Column("code", sa.Integer),
    # Whether its Message-ID says which email it is, as it has since 0018; it never changes.
    sa.Column("marked", sa.Boolean),
    sa.UniqueConstraint("enrolment_id", "step", "occasion"),
    sa.Index("ix_messages_subscriber_id_claimed_at", "subscriber_id", "claimed_at"),
    sa.Index("ix_messages_in_hand", "lease_until", sqlite_where=IN_HAND, postgresql_where=IN_HAND),
    sa.Index("ix_messages_status", "status"),
    # Answers "how many since then", however many there were before.
    # Answers "what was refused last".
    sa.Index("ix_messages_refused", "claimed_at", sqlite_where=REFUSED, postgresql_where=REFUSED),
)
_COUNTED_BY_CAP = (
    MessageStatus.CLAIMED,
    MessageStatus.SENDING,
    MessageStatus.ACCEPTED,
    MessageStatus.DELIVERED,
    MessageStatus.IN_DOUBT,
)
#: An email of a series or a broadcast that was sent, or may have been.
COUNTED_BY_CAP = messages.c.kind.not_in(ANSWERS) & messages.c.status.in_(_COUNTED_BY_CAP)


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the ledger."""

    id: int
    enrolment_id: int
    subscriber_id: int
    sequence: str
    step: str
    kind: StepKind
    occasion: int
    status: MessageStatus
    attempt: int
    doubts: int
    due_at: datetime
    claimed_at: datetime
    accepted_at: datetime | None
    reason: str
    why: Reason | None
    marked: bool

    @property
    def email(self) -> str:
        """The key of the email that this message contains."""
        return f"{self.sequence}/{self.step}"


@dataclass(frozen=True, slots=True)
class Followed:
    """A message whose opens and clicks may be recorded: its recipient and its content."""

    subscriber: int
    email: str
    revision: int


@dataclass(frozen=True, slots=True)
class MessageInDoubt:
    """A message, shown to the owner, that the mail server may or may not have accepted."""

    message: int
    subscriber: str
    step: str
    since: datetime
    why: str


def find_messages(
    connection: sa.Connection, keys: Sequence[tuple[int, str, int]]
) -> dict[tuple[int, str, int], Message]:
    """Return the existing messages of these enrolments, steps and occasions."""
    if not keys:
        return {}
    key = sa.tuple_(messages.c.enrolment_id, messages.c.step, messages.c.occasion)
    rows = connection.execute(sa.select(messages).where(key.in_(keys))).mappings()
    found = [as_message(row) for row in rows]
    return {(m.enrolment_id, m.step, m.occasion): m for m in found}


def mailed_since(
    connection: sa.Connection, subscriber_ids: Iterable[int], since: datetime
) -> dict[int, list[datetime]]:
    """Return when each of these subscribers was sent emails of the series since then."""
    statement = sa.select(messages.c.subscriber_id, messages.c.claimed_at).where(
        messages.c.subscriber_id.in_(list(subscriber_ids)),
        messages.c.claimed_at > since,
        COUNTED_BY_CAP,
    )
    times: dict[int, list[datetime]] = {}
    for subscriber_id, claimed_at in connection.execute(statement):
        times.setdefault(subscriber_id, []).append(claimed_at)
    return times


def in_hand(connection: sa.Connection, enrolment_id: int) -> bool:
    """Return whether a worker has a message of that enrolment in hand right now."""
    where = (messages.c.enrolment_id == enrolment_id) & IN_HAND
    return connection.scalar(sa.select(messages.c.id).where(where).limit(1)) is not None


def find_message(connection: sa.Connection, message_id: int) -> Message | None:
    """Return the message with that number."""
    where = messages.c.id == message_id
    row = connection.execute(sa.select(messages).where(where)).mappings().first()
    return as_message(row) if row else None


def followed(
    connection: sa.Connection, message_ids: Iterable[int], *, hold: bool = False
) -> dict[int, Followed]:
    """Return those of the messages that went to people who currently agree to tracking.

    With `hold`, none of these people is erased until the transaction ends; anyone who is being
    erased right now is waited for and then left out.
    """
    statement = (
        sa.select(
            messages.c.id,
            messages.c.subscriber_id,
            messages.c.sequence,
            messages.c.step,
            messages.c.revision_id,
            subscribers.c.purposes,
        )
        .join(subscribers, subscribers.c.id == messages.c.subscriber_id)
        .where(messages.c.id.in_(list(message_ids)))
        .order_by(subscribers.c.id)
    )
    if hold:
        statement = statement.with_for_update(of=subscribers, read=True, key_share=True)
    return {
        number: Followed(person, f"{sequence}/{step}", revision)
        for number, person, sequence, step, revision, purposes in connection.execute(statement)
        if Purpose.TRACKING in purposes
    }


def given_up(connection: sa.Connection) -> list[Message]:
    """Return every message that failed, oldest first."""
    failed = sa.select(messages).where(messages.c.status == MessageStatus.FAILED)
    rows = connection.execute(failed.order_by(messages.c.claimed_at, messages.c.id)).mappings()
    return [as_message(row) for row in rows]


def ledger_of(connection: sa.Connection, subscriber_id: int) -> list[Message]:
    """Return every message to one subscriber, oldest first."""
    where = messages.c.subscriber_id == subscriber_id
    ordered = sa.select(messages).where(where).order_by(messages.c.claimed_at, messages.c.id)
    return [as_message(row) for row in connection.execute(ordered).mappings()]


def count_messages(connection: sa.Connection) -> dict[str, int]:
    """Count the messages by status."""
    counted = sa.select(messages.c.status, sa.func.count()).group_by(messages.c.status)
    return {row[0]: row[1] for row in connection.execute(counted)}


def doubts(connection: sa.Connection) -> list[MessageInDoubt]:
    """Return every message in doubt, oldest first."""
    statement = (
        sa.select(
            messages.c.id,
            sa.func.coalesce(subscribers.c.address, "(erased)"),
            messages.c.step,
            messages.c.claimed_at,
            messages.c.why,
            messages.c.about,
            messages.c.reason,
        )
        .join(subscribers, subscribers.c.id == messages.c.subscriber_id)
        .where(messages.c.status == MessageStatus.IN_DOUBT)
        .order_by(messages.c.claimed_at)
    )
    return [
        MessageInDoubt(number, address, step, since, said(*why))
        for number, address, step, since, *why in connection.execute(statement)
    ]


def stored_kind(word: str) -> StepKind:
    """Return the kind of a message; one that only a newer program knows is read as an article."""
    return known(StepKind, word, StepKind.ARTICLE)


def as_message(row: Mapping[Any, Any]) -> Message:
    """Return a row of the ledger as a value.

    A kind or status that only a newer program knows counts as sent and is not sent again.
    """
    read = {
        "kind": stored_kind(row["kind"]),
        "status": known(MessageStatus, row["status"], MessageStatus.IN_DOUBT),
        "why": as_stored(row["why"], row["about"], row["reason"]),
        "marked": bool(row["marked"]),
    }
    return Message(**{field.name: row[field.name] for field in fields(Message)} | read)


def reason_columns(why: Reason | Any) -> dict[str, Any]:
    """Return the columns for a reason; other people's words have no code.

    The text is written beside the code because the previous release reads nothing else.
    """
    if isinstance(why, Reason):
        code, about, reason = to_store(why)
        return {"reason": reason, "why": code, "about": about}
    return {"reason": why, "why": None, "about": None}
