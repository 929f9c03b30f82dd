"""Hits in excess of those stored for one message: only how many, by kind."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Integer, Table, Text, func, select
from sqlalchemy.dialects import postgresql, sqlite

from nurture.store.database import among, as_numbers
from nurture.store.tables.events import events
from nurture.store.types import metadata

hits_beyond = Table(
    "hits_beyond",
    metadata,
    Column("message_id", ForeignKey("messages.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("count", Integer, nullable=False),
)

#: The largest number the column can store; counting stops there.
_MOST = 2**31 - 1


def count_beyond(connection: Connection, more: Mapping[tuple[int, str], int]) -> None:
    """Count hits that are not stored, by message and kind."""
    rows = [
        {"message_id": message, "kind": kind, "count": min(count, _MOST)}
        for (message, kind), count in sorted(more.items())
    ]
    if not rows:
        return
    insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert
    statement = insert(hits_beyond)
    so_far, new = hits_beyond.c.count, statement.excluded.count
    # The room left is calculated before adding, because the sum itself might not fit.
    summed = func.coalesce(so_far, 0) + func.least(new, _MOST - so_far)
    if connection.dialect.name == "sqlite":
        summed = func.min(so_far + new, _MOST)
    statement = statement.on_conflict_do_update(
        index_elements=["message_id", "kind"], set_={"count": summed}
    )
    connection.execute(statement, rows)


def kept_of(connection: Connection, message_ids: Iterable[int]) -> dict[tuple[int, str], int]:
    """Return how many hits on these messages are stored, by message and kind."""
    of_these = among(connection.dialect.name, events.c.message_id, "numbers")
    counted = (
        select(events.c.message_id, events.c.kind, func.count())
        .where(of_these, events.c.source == "hit")
        .group_by(events.c.message_id, events.c.kind)
    )
    given = {"numbers": as_numbers(connection, message_ids)}
    return {(row[0], row[1]): row[2] for row in connection.execute(counted, given)}


def count_all(connection: Connection) -> int:
    """Return how many hits were only counted."""
    return int(connection.scalar(select(func.sum(hits_beyond.c.count))) or 0)
