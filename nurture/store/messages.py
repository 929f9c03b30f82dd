"""Messages: the ledger of every email to every subscriber."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    literal,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from nurture.domain.message_status import MessageStatus
from nurture.domain.sequence import StepKind
from nurture.store.session import as_rows, rows_as_table
from nurture.store.subscribers import subscribers
from nurture.store.types import UtcDateTime, metadata

_IN_HAND = text("status IN ('claimed', 'sending')")

messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("enrolment_id", ForeignKey("enrolments.id"), nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.id"), nullable=False),
    Column("sequence", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("occasion", Integer, nullable=False),
    Column("revision_id", ForeignKey("revisions.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    # How often it was in doubt, which decides whether a guide is offered once more.
    Column("doubts", Integer, nullable=False, default=0),
    # Which batch has it in hand, and until when on the real clock it is taken to be alive.
    Column("claim", Text, nullable=False),
    Column("lease_until", UtcDateTime),
    Column("due_at", UtcDateTime, nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("accepted_at", UtcDateTime),
    Column("reason", Text, nullable=False, default=""),
    Column("code", Integer),
    UniqueConstraint("enrolment_id", "step", "occasion"),
    Index("ix_messages_subscriber_id_claimed_at", "subscriber_id", "claimed_at"),
    Index("ix_messages_in_hand", "lease_until", sqlite_where=_IN_HAND, postgresql_where=_IN_HAND),
    Index("ix_messages_status", "status"),
)

_CLAIM = ("claim", "claimed_at", "lease_until")

_OPEN = (MessageStatus.CLAIMED, MessageStatus.DEFERRED)
_COUNTED_BY_CAP = (
    MessageStatus.CLAIMED,
    MessageStatus.SENDING,
    MessageStatus.ACCEPTED,
    MessageStatus.DELIVERED,
    MessageStatus.IN_DOUBT,
)


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


@dataclass(frozen=True, slots=True)
class Doubt:
    """A message of which nobody knows whether the mail server took it, for the owner."""

    message: int
    subscriber: str
    step: str
    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message that is to be claimed for the first time."""

    enrolment_id: int
    subscriber_id: int
    sequence: str
    step: str
    kind: StepKind
    occasion: int
    revision_id: int
    due_at: datetime

    @property
    def key(self) -> tuple[int, str, int]:
        """What there is one message of."""
        return self.enrolment_id, self.step, self.occasion


_NEW = tuple(field.name for field in fields(NewMessage))
_NEW_VALUES = attrgetter(*_NEW)


def add_messages(
    connection: Connection, new: Sequence[NewMessage], claim: Mapping[str, Any]
) -> dict[tuple[int, str, int], int]:
    """Insert claimed messages; return the number of each new one by enrolment, step, occasion.

    A message that exists already is left alone and is missing from the answer: the
    unique key is what makes sending twice impossible. `claim` are the columns that all
    of them share: `claim`, `claimed_at`, `lease_until`.
    """
    if not new:
        return {}
    rows = as_rows(connection, messages, _NEW, map(_NEW_VALUES, new))
    statement = _add_statement(connection.dialect.name)
    added = connection.execute(statement, {"rows": rows, **claim})
    return {(row[1], row[2], row[3]): row[0] for row in added}


def find_messages(
    connection: Connection, keys: Sequence[tuple[int, str, int]]
) -> dict[tuple[int, str, int], Message]:
    """The messages of these enrolments, steps and occasions, as far as there are any."""
    if not keys:
        return {}
    key = tuple_(messages.c.enrolment_id, messages.c.step, messages.c.occasion)
    rows = connection.execute(select(messages).where(key.in_(keys))).mappings()
    found = [_message(row) for row in rows]
    return {(m.enrolment_id, m.step, m.occasion): m for m in found}


def claim_again(connection: Connection, message: Message, **values: Any) -> bool:
    """Claim a message that was offered before, unless somebody else just did."""
    claimed = connection.execute(
        update(messages)
        .where(
            messages.c.id == message.id,
            messages.c.status == message.status,
            messages.c.attempt == message.attempt,
        )
        .values(status=MessageStatus.CLAIMED, attempt=message.attempt + 1, **values)
    )
    return claimed.rowcount == 1


def begin_sending(
    connection: Connection, claim: str, message_ids: Sequence[int], lease_until: datetime
) -> set[int]:
    """Mark claimed messages as about to be offered; return those that may be.

    One that was cancelled since it was claimed, or whose claim has run out and was
    taken by somebody else, is not among them.
    """
    begun = connection.execute(
        update(messages)
        .where(
            messages.c.id.in_(message_ids),
            messages.c.claim == claim,
            messages.c.status == MessageStatus.CLAIMED,
        )
        .values(status=MessageStatus.SENDING, lease_until=lease_until)
        .returning(messages.c.id)
    )
    return set(begun.scalars())


def renew_lease(connection: Connection, claim: str, lease_until: datetime) -> None:
    """Say that the batch is alive, for what it has not yet offered."""
    connection.execute(
        update(messages)
        .where(messages.c.claim == claim, messages.c.status == MessageStatus.CLAIMED)
        .values(lease_until=lease_until)
    )


def record_accepted(
    connection: Connection, claim: str, message_ids: Sequence[int], now: datetime
) -> None:
    """The mail server took these; true also where they had meanwhile been put in doubt."""
    _record(
        connection,
        claim,
        message_ids,
        {"status": MessageStatus.ACCEPTED, "accepted_at": now, "reason": "", "code": 250},
    )


def record_refused(
    connection: Connection,
    claim: str,
    message_id: int,
    status: MessageStatus,
    reason: str,
    code: int | None,
) -> None:
    """Note what became of a message that was not accepted."""
    _record(connection, claim, [message_id], {"status": status, "reason": reason, "code": code})


def release_unoffered(
    connection: Connection, claim: str, begun: Iterable[int], why: str
) -> list[int]:
    """Hand back what a batch never offered, claimed or marked as begun; return which."""
    never = messages.c.status == MessageStatus.CLAIMED
    nearly = messages.c.id.in_(list(begun)) & (messages.c.status == MessageStatus.SENDING)
    released = connection.execute(
        update(messages)
        .where(messages.c.claim == claim, never | nearly)
        .values(status=MessageStatus.DEFERRED, lease_until=None, reason=why)
        .returning(messages.c.id)
    )
    return list(released.scalars())


def any_expired(connection: Connection, real_now: datetime) -> bool:
    """Whether there is a message whose worker has not been heard of within its lease."""
    expired = select(messages.c.id).where(_IN_HAND, messages.c.lease_until < real_now)
    return connection.scalar(expired.limit(1)) is not None


def expired_messages(connection: Connection, real_now: datetime, limit: int) -> list[Message]:
    """Messages whose worker has not been heard of within its lease, locked."""
    statement = (
        select(messages)
        .where(_IN_HAND, messages.c.lease_until < real_now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_message(row) for row in connection.execute(statement).mappings()]


def set_status(
    connection: Connection, message_ids: Iterable[int], status: MessageStatus, reason: str
) -> None:
    """Set the state of messages that nobody has in hand any more."""
    connection.execute(
        update(messages)
        .where(messages.c.id.in_(list(message_ids)))
        .values(status=status, reason=reason, lease_until=None, doubts=_doubts_at(status))
    )


def cancel_open(connection: Connection, subscriber_id: int, why: str) -> None:
    """Take back what has been claimed or deferred for one subscriber and not yet offered."""
    _cancel(connection, messages.c.subscriber_id == subscriber_id, why)


def cancel_steps(connection: Connection, keys: Sequence[tuple[int, str]], why: str) -> None:
    """Take back what is open for these enrolments and steps, which are behind them now."""
    if keys:
        _cancel(connection, tuple_(messages.c.enrolment_id, messages.c.step).in_(keys), why)


def cancel_deleted(connection: Connection, sequence: str, steps: Iterable[str], why: str) -> None:
    """Take back what is open for steps that a sequence no longer has."""
    deleted = (messages.c.sequence == sequence) & messages.c.step.in_(list(steps))
    _cancel(connection, deleted, why)


def cancel_open_of(connection: Connection, enrolment_ids: Iterable[int], why: str) -> None:
    """Take back what has been claimed or deferred for these enrolments and not yet offered."""
    _cancel(connection, messages.c.enrolment_id.in_(list(enrolment_ids)), why)


def mailed_since(
    connection: Connection, subscriber_ids: Iterable[int], since: datetime
) -> dict[int, list[datetime]]:
    """When each of these subscribers was last sent mails of the series."""
    statement = select(messages.c.subscriber_id, messages.c.claimed_at).where(
        messages.c.subscriber_id.in_(list(subscriber_ids)),
        messages.c.claimed_at > since,
        messages.c.kind != StepKind.GUIDE,
        messages.c.status.in_(_COUNTED_BY_CAP),
    )
    times: dict[int, list[datetime]] = {}
    for subscriber_id, claimed_at in connection.execute(statement):
        times.setdefault(subscriber_id, []).append(claimed_at)
    return times


def find_message(connection: Connection, message_id: int) -> Message | None:
    """The message of that number."""
    where = messages.c.id == message_id
    row = connection.execute(select(messages).where(where)).mappings().first()
    return _message(row) if row else None


def messages_of(connection: Connection, message_ids: Iterable[int]) -> dict[int, Message]:
    """The messages of these numbers, as far as they exist."""
    where = messages.c.id.in_(list(message_ids))
    rows = connection.execute(select(messages).where(where)).mappings()
    return {row["id"]: _message(row) for row in rows}


def move_on(
    connection: Connection,
    message_id: int,
    among: Iterable[MessageStatus],
    status: MessageStatus,
    reason: str,
) -> bool:
    """Move one message on from one of the states named; return whether it was in one."""
    moved = connection.execute(
        update(messages)
        .where(messages.c.id == message_id, messages.c.status.in_(list(among)))
        .values(status=status, reason=reason, lease_until=None)
    )
    return moved.rowcount == 1


def count_messages(connection: Connection) -> dict[str, int]:
    """How many messages there are, by status."""
    counted = select(messages.c.status, func.count()).group_by(messages.c.status)
    return {row[0]: row[1] for row in connection.execute(counted)}


def doubts(connection: Connection) -> list[Doubt]:
    """Every message in doubt, longest first."""
    statement = (
        select(
            messages.c.id,
            subscribers.c.address,
            messages.c.step,
            messages.c.claimed_at,
            messages.c.reason,
        )
        .join(subscribers, subscribers.c.id == messages.c.subscriber_id)
        .where(messages.c.status == MessageStatus.IN_DOUBT)
        .order_by(messages.c.claimed_at)
    )
    return [Doubt(*row) for row in connection.execute(statement)]


@cache
def _add_statement(dialect: str) -> Any:
    rows = rows_as_table(dialect, messages, _NEW)
    shared = {
        "status": literal(MessageStatus.CLAIMED, Text),
        "attempt": literal(1),
        "doubts": literal(0),
        "reason": literal("", Text),
        **{name: bindparam(name, type_=messages.c[name].type) for name in _CLAIM},
    }
    # SQLite reads ON CONFLICT after a SELECT only where the SELECT has a WHERE.
    chosen = select(*rows.c, *shared.values()).where(text("1 = 1"))
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(messages)
    return (
        insert.from_select([*_NEW, *shared], chosen)
        .on_conflict_do_nothing()
        .returning(messages.c.id, messages.c.enrolment_id, messages.c.step, messages.c.occasion)
    )


def _record(
    connection: Connection, claim: str, message_ids: Sequence[int], values: Mapping[str, Any]
) -> None:
    """Outcomes are facts about one offer, so they also settle a doubt about that same offer."""
    if not message_ids:
        return
    connection.execute(
        update(messages)
        .where(
            messages.c.id.in_(message_ids),
            messages.c.claim == claim,
            messages.c.status.in_([MessageStatus.SENDING, MessageStatus.IN_DOUBT]),
        )
        .values(lease_until=None, doubts=_doubts_at(values["status"]), **values)
    )


def _doubts_at(status: MessageStatus) -> Any:
    """Count a doubt where there is one."""
    return messages.c.doubts + (1 if status is MessageStatus.IN_DOUBT else 0)


def _cancel(connection: Connection, where: Any, why: str) -> None:
    connection.execute(
        update(messages)
        .where(where, messages.c.status.in_(_OPEN))
        .values(status=MessageStatus.CANCELLED, lease_until=None, reason=why)
    )


def _message(row: Mapping[Any, Any]) -> Message:
    return Message(
        id=row["id"],
        enrolment_id=row["enrolment_id"],
        subscriber_id=row["subscriber_id"],
        sequence=row["sequence"],
        step=row["step"],
        kind=StepKind(row["kind"]),
        occasion=row["occasion"],
        status=MessageStatus(row["status"]),
        attempt=row["attempt"],
        doubts=row["doubts"],
        due_at=row["due_at"],
        claimed_at=row["claimed_at"],
        accepted_at=row["accepted_at"],
        reason=row["reason"],
    )
