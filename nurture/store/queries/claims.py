"""Claims: the messages that workers have in hand, from claiming to recording the outcome."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Text, bindparam, func, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from nurture.domain.messages.status import KEPT, MessageStatus
from nurture.domain.sequences.sequence import StepKind
from nurture.store.database import among, as_numbers, as_rows, rows_as_table
from nurture.store.tables.messages import IN_HAND, Message, doubts_at, messages
from nurture.store.tables.restores import first_number

#: So long the machine that knows more about a silent worker's messages goes first.
_LEFT_TO_OTHERS = timedelta(minutes=2)

_CLAIM = ("claim", "claimed_at", "lease_until")


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be claimed for the first time."""

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
        """The key of which there is only one message."""
        return self.enrolment_id, self.step, self.occasion


_NEW = tuple(field.name for field in fields(NewMessage))
_NEW_VALUES = attrgetter(*_NEW)
_ACCEPTED = ("id", "accepted_at")


def add_messages(
    connection: Connection, new: Sequence[NewMessage], claim: Mapping[str, Any]
) -> dict[tuple[int, str, int], int]:
    """Insert claimed messages; return each new one's number by enrolment, step and occasion.

    A message that already exists is left unchanged and is missing from the result: the unique key
    is what makes sending twice impossible. `claim` contains the columns that all of them share:
    `claim`, `claimed_at` and `lease_until`.
    """
    if not new:
        return {}
    first = first_number(connection, messages)
    values, columns = [_NEW_VALUES(one) for one in new], _NEW
    if first is not None:
        values = [(number, *each) for number, each in enumerate(values, start=first)]
        columns = ("id", *_NEW)
    rows = as_rows(connection, messages, columns, values)
    statement = _add_statement(connection.dialect.name, columns)
    added = connection.execute(statement, {"rows": rows, **claim})
    return {(row[1], row[2], row[3]): row[0] for row in added}


def claim_again(connection: Connection, message: Message, **values: Any) -> bool:
    """Claim a message that was offered before, unless another worker has just done so."""
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

    This leaves out messages that were cancelled after they were claimed, those whose claim has
    expired and passed to another worker, and those that are being cancelled right now.
    """
    statement = _begin_statement(connection.dialect.name)
    given = {"numbers": as_numbers(connection, message_ids), "own": claim, "until": lease_until}
    return set(connection.scalars(statement, given))


def renew(connection: Connection, claim: str, lease_until: datetime) -> set[int]:
    """Renew the lease of a batch; return the messages that are still its own to offer."""
    renewed = connection.execute(
        update(messages)
        .where(messages.c.claim == claim, messages.c.status == MessageStatus.SENDING)
        .values(lease_until=lease_until)
        .returning(messages.c.id)
    )
    return set(renewed.scalars())


def record_accepted(
    connection: Connection, claim: str, accepted: Mapping[int, datetime], *, kept: bool = False
) -> None:
    """Record when the mail server accepted messages, even if they were put in doubt meanwhile.

    With `kept`, no mail server has seen them, because the outbox replaces it.
    """
    if accepted:
        rows = as_rows(connection, messages, _ACCEPTED, accepted.items())
        given = {"rows": rows, "own": claim}
        connection.execute(_accept_statement(connection.dialect.name, kept), given)


def record_taken(connection: Connection, claim: str, message_ids: Collection[int]) -> None:
    """Record that the mail server accepted these, at an unknown moment after they were claimed."""
    taken = _of_the_offer(messages.c.id.in_(list(message_ids)))
    values = _as_accepted(messages.c.claimed_at)
    connection.execute(update(messages).where(*taken).values(values), {"own": claim})


def record_refused(
    connection: Connection,
    claim: str,
    message_id: int,
    status: MessageStatus,
    reason: str,
    code: int | None,
) -> None:
    """Record the outcome of a message that was not accepted."""
    statement = _refuse_statement(connection.dialect.name, status)
    numbers = as_numbers(connection, [message_id])
    given = {"numbers": numbers, "own": claim, "why": reason, "reply": code}
    connection.execute(statement, given)


def release_unoffered(
    connection: Connection, claim: str, begun: Iterable[int], why: str
) -> list[int]:
    """Release what a batch never offered, whether claimed or marked as begun; return which."""
    never = messages.c.status == MessageStatus.CLAIMED
    nearly = messages.c.id.in_(list(begun)) & (messages.c.status == MessageStatus.SENDING)
    released = connection.execute(
        update(messages)
        .where(messages.c.claim == claim, never | nearly)
        .values(status=MessageStatus.DEFERRED, lease_until=None, reason=why)
        .returning(messages.c.id)
    )
    return list(released.scalars())


@dataclass(frozen=True, slots=True)
class InHand:
    """A message that a worker has or had in hand, or that it left in doubt."""

    message: int
    enrolment: int
    claim: str
    status: MessageStatus


def expired(
    connection: Connection,
    real_now: datetime,
    gone: Collection[str],
    known: Collection[str],
    limit: int,
) -> list[InHand]:
    """Return messages whose workers are gone, or have been silent for longer than their lease.

    The workers of the claims in `gone` are certainly gone, so there is nothing to wait for. Any
    other message that may have reached the mail server is left for a while longer to its worker,
    which may still be alive, and to the machine that has the logbook of its claim (the write-ahead
    log), unless that claim is `known` here.
    """
    ours = messages.c.claim.in_(known) | (messages.c.status == MessageStatus.CLAIMED)
    late = ours & (messages.c.lease_until < real_now)
    nobodys = messages.c.lease_until < real_now - _LEFT_TO_OTHERS
    return _in_hand(connection, (messages.c.claim.in_(gone) | late | nobodys) & IN_HAND, limit)


def count_expired(connection: Connection, real_now: datetime) -> int:
    """Return how many messages are in hand although their workers' leases have expired."""
    late = select(messages.c.id).where(messages.c.lease_until < real_now, IN_HAND)
    return connection.scalar(select(func.count()).select_from(late.subquery())) or 0


def left_by(connection: Connection, claim: str) -> list[InHand]:
    """Return the messages of one claim that are in hand or in doubt."""
    unsettled = (MessageStatus.CLAIMED, MessageStatus.SENDING, MessageStatus.IN_DOUBT)
    return _in_hand(connection, (messages.c.claim == claim) & messages.c.status.in_(unsettled))


def still_expired(
    connection: Connection, found: Iterable[InHand], real_now: datetime, gone: Collection[str]
) -> list[InHand]:
    """Lock and return those of the messages that are still expired; lock their enrolments first."""
    numbers = messages.c.id.in_([one.message for one in found])
    over = messages.c.claim.in_(gone) | (messages.c.lease_until < real_now)
    where = numbers & IN_HAND & over
    return _in_hand(connection, where, lock=True)


def set_status(
    connection: Connection, message_ids: Iterable[int], status: MessageStatus, reason: str
) -> None:
    """Set the state of messages that no worker has in hand any more."""
    connection.execute(
        update(messages)
        .where(messages.c.id.in_(list(message_ids)))
        .values(status=status, reason=reason, lease_until=None, doubts=doubts_at(status))
    )


def _in_hand(
    connection: Connection, where: Any, limit: int | None = None, *, lock: bool = False
) -> list[InHand]:
    chosen = select(
        messages.c.id, messages.c.enrolment_id, messages.c.claim, messages.c.status
    ).where(where)
    chosen = chosen.limit(limit) if limit else chosen
    chosen = chosen.with_for_update(key_share=True) if lock else chosen
    return [InHand(*row[:3], MessageStatus(row[3])) for row in connection.execute(chosen)]


@cache
def _add_statement(dialect: str, columns: tuple[str, ...]) -> Any:
    rows = rows_as_table(dialect, messages, columns)
    shared = {
        "status": literal(MessageStatus.CLAIMED, Text),
        "attempt": literal(1),
        "doubts": literal(0),
        "reason": literal("", Text),
        "marked": literal(True),
        **{name: bindparam(name, type_=messages.c[name].type) for name in _CLAIM},
    }
    # SQLite reads ON CONFLICT after a SELECT only where the SELECT has a WHERE.
    chosen = select(*rows.c, *shared.values()).where(text("1 = 1"))
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(messages)
    return (
        insert.from_select([*columns, *shared], chosen)
        .on_conflict_do_nothing()
        .returning(messages.c.id, messages.c.enrolment_id, messages.c.step, messages.c.occasion)
    )


@cache
def _begin_statement(dialect: str) -> Any:
    ours: Any = (
        among(dialect, messages.c.id, "numbers")
        & (messages.c.claim == bindparam("own"))
        & (messages.c.status == MessageStatus.CLAIMED)
    )
    if dialect != "sqlite":
        free = select(messages.c.id).where(ours).with_for_update(skip_locked=True, key_share=True)
        ours = messages.c.id.in_(free)
    until = bindparam("until", type_=messages.c.lease_until.type)
    begun = update(messages).where(ours).values(status=MessageStatus.SENDING, lease_until=until)
    return begun.returning(messages.c.id)


@cache
def _accept_statement(dialect: str, kept: bool) -> Any:
    rows = rows_as_table(dialect, messages, _ACCEPTED)
    taken = _of_the_offer(messages.c.id == rows.c.id)
    return update(messages).where(*taken).values(_as_accepted(rows.c.accepted_at, kept))


def _as_accepted(accepted_at: Any, kept: bool = False) -> dict[str, Any]:
    return {
        "lease_until": None,
        "status": MessageStatus.ACCEPTED,
        "accepted_at": accepted_at,
        "reason": KEPT if kept else "",
        "code": None if kept else 250,
    }


@cache
def _refuse_statement(dialect: str, status: MessageStatus) -> Any:
    refused = _of_the_offer(among(dialect, messages.c.id, "numbers"))
    return (
        update(messages)
        .where(*refused)
        .values(
            lease_until=None,
            doubts=doubts_at(status),
            status=status,
            reason=bindparam("why"),
            code=bindparam("reply"),
        )
    )


def _of_the_offer(those: Any) -> tuple[Any, ...]:
    """Return the condition for the outcome of one offer.

    Outcomes are facts about one offer, so they also settle a doubt about that same offer.
    """
    offered = messages.c.status.in_([MessageStatus.SENDING, MessageStatus.IN_DOUBT])
    return those, messages.c.claim == bindparam("own"), offered
