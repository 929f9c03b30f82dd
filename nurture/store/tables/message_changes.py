"""Every change of the `messages` table; besides it, only erasure and restore write there.

The table itself and the queries that read it are in `messages`. The changes have a module of their
own because the two together would exceed the length allowed for a module, and so that any rule
about every message, such as a limit or a count, has a single place.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Text, bindparam, literal, select, text, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import Code, Reason
from nurture.domain.sequences.sequence import ANSWERS, StepKind
from nurture.store.database import among, as_numbers, as_rows, rows_as_table
from nurture.store.queries.locks import hold
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import Message, messages, reason_columns
from nurture.store.tables.restores import first_number

#: Messages that no worker has offered to a mail server yet.
_OPEN = (MessageStatus.CLAIMED, MessageStatus.DEFERRED)


@dataclass(frozen=True, slots=True)
class Claim:
    """What the messages of one batch share: its name, when it was made and how long it lasts.

    `claimed_at` is business time; `lease_until` is on the real clock.
    """

    name: str
    claimed_at: datetime
    lease_until: datetime

    @property
    def columns(self) -> dict[str, Any]:
        """The claim as columns of a message."""
        return dict(zip(_CLAIM, (self.name, self.claimed_at, self.lease_until), strict=True))


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
        """Return what is unique to a message: enrolment, step and occasion."""
        return self.enrolment_id, self.step, self.occasion


_CLAIM = ("claim", "claimed_at", "lease_until")
_NEW = tuple(field.name for field in fields(NewMessage))
_NEW_VALUES = attrgetter(*_NEW)
_ACCEPTED = ("id", "accepted_at")

# --- Claiming ------------------------------------------------------------------------------------


def add_messages(
    connection: Connection, new: Sequence[NewMessage], claim: Claim
) -> dict[tuple[int, str, int], int]:
    """Insert claimed messages; return each new one's number by enrolment, step and occasion.

    A message that already exists is left unchanged and is missing from the result: the unique key
    is what makes sending twice impossible.
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
    added = connection.execute(statement, {"rows": rows, **claim.columns})
    return {(row[1], row[2], row[3]): row[0] for row in added}


def claim_again(connection: Connection, message: Message, revision: int, claim: Claim) -> bool:
    """Claim a message that was offered before; return `False` if another worker was quicker."""
    claimed = connection.execute(
        update(messages)
        .where(
            messages.c.id == message.id,
            messages.c.status == message.status,
            messages.c.attempt == message.attempt,
        )
        .values(
            status=MessageStatus.CLAIMED,
            attempt=message.attempt + 1,
            revision_id=revision,
            **claim.columns,
        )
    )
    return claimed.rowcount == 1


# --- Offering ------------------------------------------------------------------------------------


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
    ours = (messages.c.claim == claim) & (messages.c.status == MessageStatus.SENDING)
    hold(connection, enrolments.c.id.in_(select(messages.c.enrolment_id).where(ours)))
    renewed = connection.execute(
        update(messages).where(ours).values(lease_until=lease_until).returning(messages.c.id)
    )
    return set(renewed.scalars())


# --- Recording -----------------------------------------------------------------------------------


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
    given = {"numbers": numbers, "own": claim, "said": reason, "reply": code}
    connection.execute(statement, given)


def release_unoffered(
    connection: Connection, claim: str, begun: Iterable[int], why: Reason
) -> list[int]:
    """Release what a batch never offered, whether claimed or marked as begun; return which."""
    never = messages.c.status == MessageStatus.CLAIMED
    nearly = messages.c.id.in_(list(begun)) & (messages.c.status == MessageStatus.SENDING)
    released = connection.execute(
        update(messages)
        .where(messages.c.claim == claim, never | nearly)
        .values(status=MessageStatus.DEFERRED, lease_until=None, **reason_columns(why))
        .returning(messages.c.id)
    )
    return list(released.scalars())


# --- Moving on -----------------------------------------------------------------------------------


def move_on(
    connection: Connection,
    message_id: int,
    among: Iterable[MessageStatus],
    status: MessageStatus,
    why: Reason | str,
) -> bool:
    """Move one message on from one of the states named; return whether it was in one.

    `why` is text if someone else said it, such as a mail server.
    """
    moved = connection.execute(
        update(messages)
        .where(messages.c.id == message_id, messages.c.status.in_(list(among)))
        .values(status=status, lease_until=None, **reason_columns(why))
    )
    return moved.rowcount == 1


def set_status(
    connection: Connection, message_ids: Iterable[int], status: MessageStatus, why: Reason
) -> None:
    """Set the state of messages that no worker has in hand any more."""
    connection.execute(
        update(messages)
        .where(messages.c.id.in_(list(message_ids)))
        .values(status=status, lease_until=None, doubts=_doubts_at(status), **reason_columns(why))
    )


def set_aside(
    connection: Connection, among: MessageStatus, status: MessageStatus, why: Reason
) -> set[int]:
    """Move on every message that is in one state; return the enrolments they belong to."""
    moved = connection.execute(
        update(messages)
        .where(messages.c.status == among)
        .values(status=status, lease_until=None, doubts=_doubts_at(status), **reason_columns(why))
        .returning(messages.c.enrolment_id)
    )
    return set(moved.scalars())


# --- Cancelling ----------------------------------------------------------------------------------


def cancel_open(connection: Connection, subscriber_id: int, why: Reason) -> None:
    """Cancel one subscriber's messages that are claimed or deferred and not yet offered."""
    _cancel(connection, messages.c.subscriber_id == subscriber_id, why)


def cancel_steps(connection: Connection, keys: Sequence[tuple[int, str]], why: Reason) -> None:
    """Cancel the open messages for these enrolments and steps, which have been passed."""
    if keys:
        _cancel(connection, tuple_(messages.c.enrolment_id, messages.c.step).in_(keys), why)


def cancel_deleted(
    connection: Connection, sequence: str, steps: Iterable[str], why: Reason
) -> None:
    """Cancel the open messages for steps that a sequence no longer has."""
    deleted = (messages.c.sequence == sequence) & messages.c.step.in_(list(steps))
    _cancel(connection, deleted, why)


def cancel_open_of(connection: Connection, enrolment_ids: Iterable[int], why: Reason) -> None:
    """Cancel the messages of these enrolments that are claimed or deferred and not yet offered."""
    _cancel(connection, messages.c.enrolment_id.in_(list(enrolment_ids)), why)


def cancel_series_of(connection: Connection, enrolment_id: int, why: Reason) -> None:
    """Cancel the open messages of an enrolment, except what was asked for."""
    series = messages.c.kind.not_in(ANSWERS)
    _cancel(connection, (messages.c.enrolment_id == enrolment_id) & series, why)


def cancel_ended(connection: Connection, enrolment_ids: Iterable[int]) -> None:
    """Cancel the open messages of those enrolments that ended while they were in hand."""
    theirs = messages.c.enrolment_id.in_(list(enrolment_ids))
    active = select(text("id")).select_from(text("enrolments")).where(text("status = 'active'"))
    _cancel(
        connection, theirs & messages.c.enrolment_id.not_in(active), Reason(Code.ENROLMENT_ENDED)
    )


def cancel_claimed(connection: Connection, sequence: str, why: Reason) -> list[int]:
    """Cancel what workers have claimed of a sequence and not yet offered; return the enrolments.

    What was asked for, such as a guide, is left alone.
    """
    claimed = (
        (messages.c.sequence == sequence)
        & (messages.c.status == MessageStatus.CLAIMED)
        & messages.c.kind.not_in(ANSWERS)
    )
    hold(connection, enrolments.c.id.in_(select(messages.c.enrolment_id).where(claimed)))
    cancelled = connection.execute(
        update(messages)
        .where(claimed)
        .values(status=MessageStatus.CANCELLED, lease_until=None, **reason_columns(why))
        .returning(messages.c.enrolment_id)
    )
    return list(cancelled.scalars())


def _cancel(connection: Connection, where: Any, why: Reason) -> None:
    connection.execute(
        update(messages)
        .where(where, messages.c.status.in_(_OPEN))
        .values(status=MessageStatus.CANCELLED, lease_until=None, **reason_columns(why))
    )


# --- Statements that are built once --------------------------------------------------------------


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
    # SQLite parses ON CONFLICT after a SELECT only if the SELECT has a WHERE.
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
        "code": None if kept else 250,
        **reason_columns(Reason(Code.WRITTEN_TO_OUTBOX) if kept else ""),
    }


@cache
def _refuse_statement(dialect: str, status: MessageStatus) -> Any:
    refused = _of_the_offer(among(dialect, messages.c.id, "numbers"))
    return (
        update(messages)
        .where(*refused)
        .values(
            lease_until=None,
            doubts=_doubts_at(status),
            status=status,
            code=bindparam("reply"),
            **reason_columns(bindparam("said")),
        )
    )


def _of_the_offer(those: Any) -> tuple[Any, ...]:
    """Return the condition for the outcome of one offer.

    Outcomes are facts about one offer, so they also settle a doubt about that same offer.
    """
    offered = messages.c.status.in_([MessageStatus.SENDING, MessageStatus.IN_DOUBT])
    return those, messages.c.claim == bindparam("own"), offered


def _doubts_at(status: MessageStatus) -> Any:
    """Return the number of doubts once a message is in that state."""
    return messages.c.doubts + (1 if status is MessageStatus.IN_DOUBT else 0)
