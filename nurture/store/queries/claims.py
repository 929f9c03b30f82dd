"""Claims: the messages that workers have in hand, from claiming to recording the outcome."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Connection, bindparam, case, func, literal, select, update

from nurture.domain.broadcasts.broadcast import EMAIL, key_of
from nurture.domain.messages.status import MessageStatus
from nurture.store.tables.enrolments import IS_ACTIVE, enrolments
from nurture.store.tables.messages import IN_HAND, messages

#: For this long, a silent worker's messages are left to the machine that knows more about them.
_LEFT_TO_OTHERS = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class InHand:
    """A message that a worker has or had in hand, or that it left in doubt."""

    message: int
    enrolment: int
    subscriber: int
    claim: str
    status: MessageStatus
    due_at: datetime
    is_of_broadcast: bool


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
    """Lock and return the messages still expired; lock their people and enrolments first."""
    numbers = messages.c.id.in_([one.message for one in found])
    over = messages.c.claim.in_(gone) | (messages.c.lease_until < real_now)
    where = numbers & IN_HAND & over
    return _in_hand(connection, where, lock=True)


def _in_hand(
    connection: Connection, where: Any, limit: int | None = None, *, lock: bool = False
) -> list[InHand]:
    chosen = select(
        messages.c.id,
        messages.c.enrolment_id,
        messages.c.subscriber_id,
        messages.c.claim,
        messages.c.status,
        messages.c.due_at,
        messages.c.sequence,
    ).where(where)
    chosen = chosen.limit(limit) if limit else chosen
    chosen = chosen.with_for_update(key_share=True) if lock else chosen
    rows = connection.execute(chosen)
    return [
        InHand(*row[:4], MessageStatus(row[4]), row[5], key_of(row[6]) is not None) for row in rows
    ]


def look_again(
    connection: Connection, due_at: Mapping[int, datetime], behind: Collection[int]
) -> None:
    """Decide active enrolments again now, each with the place in the queue that it was due at.

    Those that have the email of a broadcast `behind` them have passed it: otherwise the next
    decision would find a person who was emailed a moment ago, and wait for a day.
    """
    if not due_at:
        return
    c = enrolments.c
    has_it = c.broadcast.is_not(None) & bindparam("behind", type_=Boolean)
    statement = (
        update(enrolments)
        .where(c.id == bindparam("enrolment"), IS_ACTIVE)
        .values(
            next_look_at=bindparam("due"),
            turn=c.turn + 1,
            passed=case((has_it, literal({EMAIL}, c.passed.type)), else_=c.passed),
        )
    )
    rows = [
        {"enrolment": number, "due": due, "behind": number in behind}
        for number, due in sorted(due_at.items())
    ]
    connection.execute(statement, rows)
