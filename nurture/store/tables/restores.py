"""Restores: when this database was restored from a backup, and where its numbers continue.

Links, Message-IDs and the journal of withdrawals identify rows by number. A number that the lost
machine gave out after the backup must never come to identify another person's row, so rows created
after a restore begin far above it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, func, insert, select

from nurture.store.types import UtcDateTime, metadata

restores = Table(
    "restores",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("restored_at", UtcDateTime, nullable=False),
    Column("backup_made_at", UtcDateTime, nullable=False),
    # Every later row that a link or a Message-ID may name has a number above this.
    Column("numbers_after", Integer, nullable=False),
)

#: How far above the backup's last number new rows begin, and how much further for each second since
#: it was made: more than a machine can have used up meanwhile. If the same backup is restored
#: again, its rows begin above those of the first restore.
_AT_LEAST, _EACH_SECOND = 1_000_000, 10

#: Clocks can be wrong, and numbers end at about two thousand million.
_LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Gap:
    """The time between a backup and its restore."""

    begun_at: datetime
    restored_at: datetime


def leap(
    connection: Connection, tables: Iterable[Table], backup_made_at: datetime, now: datetime
) -> int:
    """Make the numbers of these tables continue far above the existing ones; return above which."""
    tables = list(tables)
    highest = max(connection.scalar(select(func.max(t.c.id))) or 0 for t in tables)
    since = min(max(now - backup_made_at, timedelta(0)), _LONGEST)
    after = highest + _AT_LEAST + _EACH_SECOND * int(since.total_seconds())
    row = {"restored_at": now, "backup_made_at": backup_made_at, "numbers_after": after}
    connection.execute(insert(restores).values(row))
    if connection.dialect.name != "sqlite":
        for t in tables:
            sequence = func.pg_get_serial_sequence(t.name, "id")
            connection.execute(select(func.setval(sequence, after)))
    return after


def first_number(connection: Connection, table: Table) -> int | None:
    """Return the number that the next row must be given, if SQLite would choose one too low.

    A server remembers the number itself, and so does SQLite once a row has it.
    """
    if connection.dialect.name != "sqlite":
        return None
    highest = select(func.coalesce(func.max(table.c.id), 0)).scalar_subquery()
    after = select(func.max(restores.c.numbers_after)).scalar_subquery()
    found: int | None = connection.scalar(select(after + 1).where(after > highest))
    return found


def numbered(
    connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the rows, with explicit numbers if the automatic ones must not be used."""
    first = first_number(connection, table)
    if first is None:
        return list(rows)
    return [{"id": number, **row} for number, row in enumerate(rows, start=first)]


def last_restored_at(connection: Connection) -> datetime | None:
    """Return when this database was last restored, if ever."""
    found: datetime | None = connection.scalar(select(func.max(restores.c.restored_at)))
    return found


def last_gap(connection: Connection) -> Gap | None:
    """Return the period without records before the last restore, if there was one."""
    newest = select(restores.c.backup_made_at, restores.c.restored_at)
    row = connection.execute(newest.order_by(restores.c.id.desc()).limit(1)).first()
    return Gap(row[0], row[1]) if row else None
