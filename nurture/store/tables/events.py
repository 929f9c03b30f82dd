"""Events: what happened to messages and subscribers, in our own words.

A hit is an event whose source is `hit`. Until it has been judged it is *held*: its verdict is null,
and everything that acts on events or shows them leaves it out.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from nurture.domain.messages.bounces import Bounce
from nurture.domain.tracking.hits import Verdict
from nurture.store.database import as_rows, rows_as_table
from nurture.store.types import Json, UtcDateTime, Words, metadata

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.id")),
    Column("message_id", ForeignKey("messages.id"), index=True),
    Column("happened_at", UtcDateTime, nullable=False),
    # The email that it is about (`sequence/step`), and the topics of the link that was followed or,
    # without one, of the email; null if that is not known.
    Column("email", Text),
    Column("topics", Words),
    # The reporter's own identifier for it, so that it is stored once however often it is reported.
    Column("source", Text, nullable=False),
    Column("source_key", Text, nullable=False, unique=True),
    Column("verdict", Text),
    Column("reasons", Json),
    Column("rules", Integer),
    Column("link", Text),
    Column("method", Text),
    Column("client", Text),
    Column("user_agent", Text),
    # What someone appended to the URL, as programs that rewrite links do.
    Column("query", Text),
    Column("raw", Json),
    # The kind of bounce; null for everything else. See `domain.messages.bounces`.
    Column("bounce", Text),
    # The keyed hash of the address that booked, so that a booking counts for anyone who signs up
    # with it later.
    Column("booker", Text),
    Index("ix_events_subscriber_id_happened_at", "subscriber_id", "happened_at"),
)

#: Both are written out in statements and never bound, since otherwise a partial index is not used.
HUMAN = events.c.verdict == literal_column("'human'")
HELD = events.c.verdict.is_(None) & (events.c.source == literal_column("'hit'"))
_KEPT = events.c.client.is_not(None)
#: What identifies people's machines; it is stored only for a while.
RAW = ("client", "user_agent", "query", "raw")
HAS_RAW = events.c.kind.in_([literal_column("'opened'"), literal_column("'clicked'")]) & or_(
    *(events.c[name].is_not(None) for name in RAW)
)

_BOUNCE = events.c.bounce.is_not(None)
# Answers "who has bounced, how, and when".
Index(
    "ix_events_bounce",
    events.c.bounce,
    events.c.happened_at,
    events.c.subscriber_id,
    sqlite_where=_BOUNCE,
    postgresql_where=_BOUNCE,
)
Index("ix_events_held", events.c.happened_at, sqlite_where=HELD, postgresql_where=HELD)
# Answers "which data about people's machines has been stored for too long".
Index("ix_events_raw", events.c.happened_at, sqlite_where=HAS_RAW, postgresql_where=HAS_RAW)
_BOOKER = events.c.booker.is_not(None)
# Answers "what has been booked with this address".
Index("ix_events_booker", events.c.booker, sqlite_where=_BOOKER, postgresql_where=_BOOKER)
# Answers "who did that n times since": kind and time are looked up, the rest is in the index.
Index(
    "ix_events_human",
    events.c.kind,
    events.c.happened_at,
    events.c.subscriber_id,
    events.c.email,
    events.c.topics,
    sqlite_where=HUMAN,
    postgresql_where=HUMAN,
)
# Answers "for whom else did this client fetch in these minutes".
Index(
    "ix_events_client",
    events.c.client,
    events.c.happened_at,
    events.c.subscriber_id,
    sqlite_where=_KEPT,
    postgresql_where=_KEPT,
)


class NewEvent(NamedTuple):
    """An event to be stored; the fields are columns of the table.

    `kind` is an `EventKind`, or the word for a provider's report that we do not understand.
    `source_key` is the same each time the same thing is reported.
    """

    kind: str
    happened_at: datetime
    source: str
    source_key: str
    subscriber_id: int | None = None
    message_id: int | None = None
    email: str | None = None
    topics: frozenset[str] | None = None
    verdict: Verdict | None = None
    reasons: Sequence[str] | None = None
    link: str | None = None
    raw: Mapping[str, Any] | None = None
    bounce: Bounce | None = None
    booker: str | None = None


def add_events(connection: Connection, new: Sequence[NewEvent]) -> int:
    """Store events, each once by its source key; return how many were new."""
    return add_rows(connection, NewEvent._fields, new)


def add_rows(
    connection: Connection, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> int:
    """Store events given as values for these columns; return how many were new."""
    if not rows:
        return 0
    given = as_rows(connection, events, columns, rows)
    added = connection.execute(_add_statement(connection.dialect.name, columns), {"rows": given})
    return len(added.all())


def rename(connection: Connection, source_key: str, kind: str, to: str) -> bool:
    """Change the kind of one event; return whether it existed with the expected kind."""
    where = (events.c.source_key == source_key) & (events.c.kind == kind)
    values: dict[str, Any] = {"kind": to, "bounce": Bounce.HARD if to == "bounced" else None}
    return connection.execute(update(events).where(where).values(values)).rowcount == 1


def count_events(connection: Connection) -> dict[str, int]:
    """Count the events by kind; those that are held do not count yet."""
    counted = select(events.c.kind, func.count()).where(~HELD).group_by(events.c.kind)
    return {row[0]: row[1] for row in connection.execute(counted)}


def events_of(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    """Return what happened to one subscriber, oldest first; of hits, only those by a person."""
    by_somebody = (events.c.source != "hit") | HUMAN
    where = (events.c.subscriber_id == subscriber_id) & by_somebody
    ordered = select(events).where(where).order_by(events.c.happened_at, events.c.id)
    return [dict(row) for row in connection.execute(ordered).mappings()]


def verdicts_of(connection: Connection, subscriber_id: int, kind: str) -> dict[str, int]:
    """Count the hits of a kind on one subscriber's messages, by verdict."""
    counted = select(events.c.verdict, func.count()).group_by(events.c.verdict)
    mine = (events.c.subscriber_id == subscriber_id) & (events.c.kind == kind)
    return {row[0] or "held": row[1] for row in connection.execute(counted.where(mine))}


@cache
def _add_statement(dialect: str, columns: tuple[str, ...]) -> Any:
    rows = rows_as_table(dialect, events, columns)
    # SQLite parses ON CONFLICT after a SELECT only if the SELECT has a WHERE.
    chosen = select(*rows.c).where(text("1 = 1"))
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(events)
    return insert.from_select(columns, chosen).on_conflict_do_nothing().returning(events.c.id)
