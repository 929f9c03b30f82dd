"""Enrolments in broadcasts: adding an audience, removing one that was undone, and counting it.

They are rows of `enrolments`; what is done to whole audiences has a module of its own.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from nurture.domain.broadcasts.broadcast import Broadcast
from nurture.domain.messages.status import TAKEN, MessageStatus
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.store.database import as_rows, rows_as_table
from nurture.store.queries.locks import hold
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.restores import first_number

_EACH = ("subscriber_id", "anchor_at", "next_look_at")


@dataclass(frozen=True, slots=True)
class NewReader:
    """A person to be added to an audience, and the moment from which they are due it."""

    subscriber: int
    due_at: datetime


def add_readers(
    connection: sa.Connection, broadcast: Broadcast, readers: Collection[NewReader], now: datetime
) -> int:
    """Enrol people in a broadcast, except those who are in it; return how many were added."""
    if not readers:
        return 0
    first, columns = first_number(connection, enrolments), tuple[str, ...](_EACH)
    values: list[tuple[Any, ...]] = [(one.subscriber, one.due_at, one.due_at) for one in readers]
    if first is not None:
        values = [(number, *each) for number, each in enumerate(values, start=first)]
        columns = ("id", *_EACH)
    given = {
        "rows": as_rows(connection, enrolments, columns, values),
        "called": broadcast.sequence_key,
        "number": broadcast.id,
        "press": broadcast.presses,
        "now": now,
    }
    statement = _add_statement(connection.dialect.name, columns)
    return len(connection.execute(statement, given).all())


@cache
def _add_statement(dialect: str, columns: tuple[str, ...]) -> Any:
    rows = rows_as_table(dialect, enrolments, columns)
    c = enrolments.c
    now = sa.bindparam("now", type_=c.enrolled_at.type)
    shared = {
        "sequence": sa.bindparam("called", type_=sa.Text),
        "broadcast": sa.bindparam("number", type_=sa.Integer),
        "status": sa.literal(EnrolmentStatus.ACTIVE, sa.Text),
        "enrolled_at": now,
        "guide_wanted_at": now,
        "collected_at": now,
        "passed": sa.literal("", sa.Text),
        "guide_wanted": sa.false(),
        # The press of “Send” that added them, which can be undone apart.
        "occasion": sa.bindparam("press", type_=sa.Integer),
        "turn": sa.literal(0),
        "moved": sa.literal(0),
    }
    # SQLite parses ON CONFLICT after a SELECT only if the SELECT has a WHERE.
    chosen = sa.select(*rows.c, *shared.values()).where(sa.text("1 = 1"))
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(enrolments)
    added = insert.from_select([*columns, *shared], chosen).on_conflict_do_nothing(
        index_elements=["subscriber_id", "sequence"]
    )
    return added.returning(enrolments.c.id)


def remove_readers(
    connection: sa.Connection,
    broadcast: Broadcast,
    most: int | None = None,
    *,
    of_press: int | None = None,
) -> int:
    """Delete up to `most` enrolments of a broadcast that was undone; return how many.

    Nothing of them has been sent. With `of_press`, only those that this press added are deleted.
    """
    c = enrolments.c
    theirs = sa.select(c.id).where(c.sequence == broadcast.sequence_key)
    if of_press is not None:
        theirs = theirs.where(c.occasion == of_press)
    has_message = sa.exists().where(messages.c.enrolment_id == c.id)
    some = theirs.where(~has_message).order_by(c.id).limit(most)
    hold(connection, c.id.in_(some))
    removed = connection.execute(sa.delete(enrolments).where(c.id.in_(some)))
    return removed.rowcount


def has_begun_to_leave(connection: sa.Connection, broadcast: Broadcast) -> bool:
    """Return whether a worker has claimed any email of the last press of “Send”."""
    c = enrolments.c
    theirs = (c.sequence == broadcast.sequence_key) & (c.occasion == broadcast.presses)
    joined = messages.join(enrolments, enrolments.c.id == messages.c.enrolment_id)
    claimed = sa.select(messages.c.id).select_from(joined).where(theirs)
    return connection.scalar(claimed.limit(1)) is not None


def has_readers(connection: sa.Connection, broadcast: Broadcast, *, active: bool) -> bool:
    """Return whether anyone is in the audience or, with `active`, still awaits it."""
    theirs = enrolments.c.sequence == broadcast.sequence_key
    if active:
        theirs = (enrolments.c.broadcast == broadcast.id) & (
            enrolments.c.status == EnrolmentStatus.ACTIVE
        )
    return bool(connection.scalar(sa.select(sa.exists().where(theirs))))


def count_messages(connection: sa.Connection, broadcast: Broadcast) -> dict[MessageStatus, int]:
    """Count the messages of a broadcast by status."""
    theirs = enrolments.c.sequence == broadcast.sequence_key
    joined = messages.join(enrolments, enrolments.c.id == messages.c.enrolment_id)
    counted = sa.select(messages.c.status, sa.func.count()).select_from(joined)
    rows = connection.execute(counted.where(theirs).group_by(messages.c.status))
    return {MessageStatus(row[0]): row[1] for row in rows}


def count_in_hand(connection: sa.Connection, broadcast: Broadcast) -> int:
    """Count the messages of a broadcast that a mail server is being offered at this moment."""
    sending = messages.c.status == MessageStatus.SENDING
    counted = sa.select(sa.func.count()).select_from(messages)
    of_it = messages.c.sequence == broadcast.sequence_key
    return connection.scalar(counted.where(sending, of_it)) or 0


def count_ends(connection: sa.Connection, broadcast: Broadcast) -> dict[tuple[str, str], int]:
    """Count the audience of a broadcast by the status and the reason of each enrolment's end.

    Those who have got it count as completed, although their enrolments are yet to be closed, or
    were closed for something that happened after it.
    """
    c, done = enrolments.c, EnrolmentStatus.COMPLETED
    passed = sa.type_coerce(c.passed, sa.Text) != ""
    taken = sa.exists().where(messages.c.enrolment_id == c.id, messages.c.status.in_(TAKEN))
    # Only the few that have ended otherwise are looked up among the messages.
    closed = c.status == done
    has_it = sa.case(
        (c.status == EnrolmentStatus.ACTIVE, passed),
        (~closed & passed, taken),
        else_=sa.false(),
    )
    status = sa.case((has_it, done), else_=c.status)
    because = sa.case((has_it, done), else_=sa.func.coalesce(c.ended_because, ""))
    each = sa.select(status.label("status"), because.label("because"))
    read = each.where(c.sequence == broadcast.sequence_key).subquery()
    rows = connection.execute(sa.select(*read.c, sa.func.count()).group_by(*read.c))
    return {(row[0], row[1]): row[2] for row in rows}


def put_in_order(
    connection: sa.Connection, broadcast: Broadcast, looks: Mapping[int, datetime]
) -> None:
    """Look at each of these people's enrolments at its own moment, which is its place."""
    if looks:
        c = enrolments.c
        theirs = c.subscriber_id.in_(list(looks)) & (c.sequence == broadcast.sequence_key)
        hold(connection, theirs)
        statement = (
            sa.update(enrolments)
            .where(
                c.subscriber_id == sa.bindparam("person"),
                c.sequence == broadcast.sequence_key,
                c.turn == 0,
                c.next_look_at == c.anchor_at,
            )
            .values(next_look_at=sa.bindparam("look"))
        )
        rows = [{"person": person, "look": at} for person, at in sorted(looks.items())]
        connection.execute(statement, rows)
