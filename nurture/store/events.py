"""Events: what happened to messages and subscribers, in our own words; and the journals' places."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from nurture.store.session import as_rows, insert_new, rows_as_table
from nurture.store.types import Json, UtcDateTime, metadata

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.id")),
    Column("message_id", ForeignKey("messages.id"), index=True),
    Column("happened_at", UtcDateTime, nullable=False),
    # Whatever reported it has a name for it, so that it is kept once however often it is told.
    Column("source", Text, nullable=False),
    Column("source_key", Text, nullable=False, unique=True),
    Column("verdict", Text),
    Column("reasons", Json),
    Column("rules", Integer),
    Column("link", Text),
    Column("method", Text),
    Column("client", Text),
    Column("user_agent", Text),
    Column("raw", Json),
    Index("ix_events_subscriber_id_happened_at", "subscriber_id", "happened_at"),
)

journals = Table(
    "journals",
    metadata,
    Column("name", Text, primary_key=True),
    Column("folded", Integer, nullable=False),
)


def add_events(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Keep events, each once by its source key; return how many were new."""
    if not rows:
        return 0
    given = as_rows(connection, events, _GIVEN, ([row.get(n) for n in _GIVEN] for row in rows))
    added = connection.execute(_add_statement(connection.dialect.name), {"rows": given})
    return len(added.all())


def count_events(connection: Connection) -> dict[str, int]:
    """How many events there are, by kind."""
    counted = select(events.c.kind, func.count()).group_by(events.c.kind)
    return {row[0]: row[1] for row in connection.execute(counted)}


def events_of(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    """Everything that happened to one subscriber, oldest first."""
    where = events.c.subscriber_id == subscriber_id
    ordered = select(events).where(where).order_by(events.c.happened_at, events.c.id)
    return [dict(row) for row in connection.execute(ordered).mappings()]


def folded_up_to(connection: Connection, journal: str) -> int:
    """How many bytes of a journal are in the database already; the place is locked."""
    insert_new(connection, journals, [{"name": journal, "folded": 0}])
    where = journals.c.name == journal
    place = select(journals.c.folded).where(where).with_for_update()
    return connection.scalar(place) or 0


def find_folded(connection: Connection, journal: str) -> int:
    """How many bytes of a journal are in the database, without locking the place."""
    return connection.scalar(select(journals.c.folded).where(journals.c.name == journal)) or 0


def forget_journal(connection: Connection, journal: str) -> None:
    """Forget the place in a journal that is about to be removed."""
    connection.execute(delete(journals).where(journals.c.name == journal))


def set_folded(connection: Connection, journal: str, folded: int) -> None:
    """Note how many bytes of a journal are in the database."""
    connection.execute(update(journals).where(journals.c.name == journal).values(folded=folded))


_GIVEN = tuple(column.name for column in events.columns if column.name != "id")


@cache
def _add_statement(dialect: str) -> Any:
    rows = rows_as_table(dialect, events, _GIVEN)
    # SQLite reads ON CONFLICT after a SELECT only where the SELECT has a WHERE.
    chosen = select(*rows.c).where(text("1 = 1"))
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(events)
    return insert.from_select(_GIVEN, chosen).on_conflict_do_nothing().returning(events.c.id)
