"""Sequences: which of them the owner has paused, and who is waiting for them to resume."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, bindparam, func, select, update

from nurture.domain.scheduling.gate import UNTIL_RESUMED
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.store.database import among, as_numbers, insert_new
from nurture.store.tables.enrolments import enrolments
from nurture.store.types import UtcDateTime, metadata

sequences = Table(
    "sequences", metadata, Column("key", Text, primary_key=True), Column("paused_at", UtcDateTime)
)


def paused_sequences(connection: Connection) -> frozenset[str]:
    """Return the paused sequences, which stay paused until this transaction ends.

    A transaction that pauses or resumes one waits for those that rely on this, so that nobody is
    postponed until a resumption that has already happened.
    """
    rows = connection.execute(select(sequences).with_for_update(read=True))
    return frozenset(row.key for row in rows if row.paused_at is not None)


def paused_keys(connection: Connection) -> list[str]:
    """Return the paused sequences, for display."""
    paused = select(sequences.c.key).where(sequences.c.paused_at.is_not(None))
    return list(connection.scalars(paused))


def set_paused(connection: Connection, key: str, paused_at: datetime | None) -> bool:
    """Pause a sequence from that moment, or resume it; return whether that is a change."""
    insert_new(connection, sequences, [{"key": key}])
    was_paused = sequences.c.paused_at.is_not(None)
    changed = connection.execute(
        update(sequences)
        .where(sequences.c.key == key, was_paused != (paused_at is not None))
        .values(paused_at=paused_at)
    )
    return changed.rowcount == 1


def hold_paused(connection: Connection, key: str) -> list[int]:
    """Lock and return the enrolments that the pause of a sequence holds back, or has excused."""
    held = select(enrolments.c.id).where(_waits_for(key) | _is_excused(key))
    return list(connection.scalars(held.order_by(enrolments.c.id).with_for_update(key_share=True)))


def waiting_for(connection: Connection, key: str, held: Collection[int]) -> list[int]:
    """Return which of the locked enrolments wait for a paused sequence, longest waiting first."""
    waiting = _waits_for(key) & among(connection.dialect.name, enrolments.c.id, "numbers")
    in_order = (enrolments.c.anchor_at, enrolments.c.id)
    statement = select(enrolments.c.id).where(waiting).order_by(*in_order)
    return list(connection.scalars(statement, {"numbers": as_numbers(connection, held)}))


def count_waiting(connection: Connection, key: str) -> int:
    """Count the enrolments that are waiting for a paused sequence to resume."""
    return connection.scalar(select(func.count()).where(_waits_for(key))) or 0


def look_at_each(connection: Connection, looks: Mapping[int, datetime]) -> None:
    """Look at each of these waiting enrolments at its own moment, until which it is not late."""
    if looks:
        statement = (
            update(enrolments)
            .where(enrolments.c.id == bindparam("enrolment"))
            .where(enrolments.c.next_look_at == UNTIL_RESUMED)
            .values(
                next_look_at=bindparam("look"),
                excused_until=bindparam("look"),
                turn=enrolments.c.turn + 1,
            )
        )
        connection.execute(
            statement, [{"enrolment": number, "look": at} for number, at in looks.items()]
        )


def end_excuses(connection: Connection, key: str, held: Collection[int], now: datetime) -> None:
    """Let the pause of a sequence excuse none of the locked enrolments after now."""
    endless = _is_excused(key) & among(connection.dialect.name, enrolments.c.id, "numbers")
    statement = update(enrolments).where(endless).values(excused_until=now)
    connection.execute(statement, {"numbers": as_numbers(connection, held)})


def _is_excused(key: str) -> Any:
    return (enrolments.c.sequence == key) & (enrolments.c.excused_until == UNTIL_RESUMED)


def _waits_for(key: str) -> Any:
    return (
        (enrolments.c.sequence == key)
        & (enrolments.c.status == EnrolmentStatus.ACTIVE)
        & (enrolments.c.next_look_at == UNTIL_RESUMED)
    )
