"""Claims: the messages that workers have in hand, from claiming to recording."""

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
_ACCEPTED = ("id", "accepted_at")


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
    taken by somebody else, is not among them, nor one that somebody is cancelling just now.
    """
    statement = _begin_statement(connection.dialect.name)
    given = {"numbers": as_numbers(connection, message_ids), "own": claim, "until": lease_until}
    return set(connection.scalars(statement, given))


def renew(connection: Connection, claim: str, lease_until: datetime) -> set[int]:
    """Say that the batch is alive; return what of it is still its own to offer."""
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
    """Note when the mail server took which; also where they were put in doubt meanwhile.

    `kept` are those that no mail server has seen, because the outbox stands in for one.
    """
    if accepted:
        rows = as_rows(connection, messages, _ACCEPTED, accepted.items())
        given = {"rows": rows, "own": claim}
        connection.execute(_accept_statement(connection.dialect.name, kept), given)


def record_taken(connection: Connection, claim: str, message_ids: Collection[int]) -> None:
    """Note that the mail server took these at a moment not known, after they were claimed."""
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
    """Note what became of a message that was not accepted."""
    statement = _refuse_statement(connection.dialect.name, status)
    numbers = as_numbers(connection, [message_id])
    given = {"numbers": numbers, "own": claim, "why": reason, "reply": code}
    connection.execute(statement, given)


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


@dataclass(frozen=True, slots=True)
class InHand:
    """A message that a worker has, or had, in hand, or that it left in doubt."""

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
    """What workers have in hand that are gone, or have not been heard of within its lease.

    The workers of the claims that are `gone` are so for certain, and there is nothing to wait for.
    A message that may be at the mail server is else left, for another while, to its worker that may
    live after all, and to the machine that keeps the logbook of its claim, unless that is `known`
    here.
    """
    ours = messages.c.claim.in_(known) | (messages.c.status == MessageStatus.CLAIMED)
    late = ours & (messages.c.lease_until < real_now)
    nobodys = messages.c.lease_until < real_now - _LEFT_TO_OTHERS
    return _in_hand(connection, (messages.c.claim.in_(gone) | late | nobodys) & IN_HAND, limit)


def count_expired(connection: Connection, real_now: datetime) -> int:
    """How many messages are in hand of whose workers nothing was heard since."""
    late = select(messages.c.id).where(messages.c.lease_until < real_now, IN_HAND)
    return connection.scalar(select(func.count()).select_from(late.subquery())) or 0


def left_by(connection: Connection, claim: str) -> list[InHand]:
    """What of one claim is in hand, or in doubt."""
    unsettled = (MessageStatus.CLAIMED, MessageStatus.SENDING, MessageStatus.IN_DOUBT)
    return _in_hand(connection, (messages.c.claim == claim) & messages.c.status.in_(unsettled))


def still_expired(
    connection: Connection, found: Iterable[InHand], real_now: datetime, gone: Collection[str]
) -> list[InHand]:
    """Those of the messages found of which that is still so, locked; hold their enrolments."""
    numbers = messages.c.id.in_([one.message for one in found])
    over = messages.c.claim.in_(gone) | (messages.c.lease_until < real_now)
    where = numbers & IN_HAND & over
    return _in_hand(connection, where, lock=True)


def set_status(
    connection: Connection, message_ids: Iterable[int], status: MessageStatus, reason: str
) -> None:
    """Set the state of messages that nobody has in hand any more."""
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
    """Outcomes are facts about one offer, so they also settle a doubt about that same offer."""
    offered = messages.c.status.in_([MessageStatus.SENDING, MessageStatus.IN_DOUBT])
    return those, messages.c.claim == bindparam("own"), offered
