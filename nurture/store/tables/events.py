"""Events: what happened to messages and subscribers, in our own words.

A hit is an event whose source is `hit`. Until it has been judged it is *held*: its verdict is null,
and everything that acts on events or shows them leaves it out.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from nurture.domain.messages.bounces import Bounce
from nurture.domain.tracking.events import EventKind, PageDeed
from nurture.domain.tracking.hits import Verdict
from nurture.store.database import as_rows, rows_as_table
from nurture.store.types import Json, UtcDateTime, Words, metadata

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subscriber_id", sa.ForeignKey("subscribers.id")),
    sa.Column("message_id", sa.ForeignKey("messages.id"), index=True),
    sa.Column("happened_at", UtcDateTime, nullable=False),
    # The email that it is about (`sequence/step`), and the topics of the link that was followed or,
    # without one, of the email; null if that is not known.
    sa.Column("email", sa.Text),
    sa.Column("topics", Words),
    # The reporter's own identifier for it, so that it is stored once however often it is reported.
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("source_key", sa.Text, nullable=False, unique=True),
    sa.Column("verdict", sa.Text),
    sa.Column("reasons", Json),
    sa.Column("rules", sa.Integer),
    sa.Column("link", sa.Text),
    sa.Column("method", sa.Text),
    sa.Column("client", sa.Text),
    sa.Column("user_agent", sa.Text),
    # What someone appended to the URL, as programs that rewrite links do.
    sa.Column("query", sa.Text),
    sa.Column("raw", Json),
    # The kind of bounce; null for everything else. See `domain.messages.bounces`.
    sa.Column("bounce", sa.Text),
    # The keyed hash of the address that booked, so that a booking counts for anyone who signs up
    # with it later.
    sa.Column("booker", sa.Text),
    sa.Index("ix_events_subscriber_id_happened_at", "subscriber_id", "happened_at"),
)

#: Both are written out in statements and never bound, since otherwise a partial index is not used.
HUMAN = events.c.verdict == sa.literal_column("'human'")
HELD = events.c.verdict.is_(None) & (events.c.source == sa.literal_column("'hit'"))
_KEPT = events.c.client.is_not(None)
#: What identifies people's machines; it is stored only for a while.
RAW = ("client", "user_agent", "query", "raw")
HAS_RAW = events.c.kind.in_(
    [sa.literal_column("'opened'"), sa.literal_column("'clicked'")]
) & sa.or_(*(events.c[name].is_not(None) for name in RAW))

_BOUNCE = events.c.bounce.is_not(None)
# Answers "who has bounced, how, and when".
sa.Index(
    "ix_events_bounce",
    events.c.bounce,
    events.c.happened_at,
    events.c.subscriber_id,
    sqlite_where=_BOUNCE,
    postgresql_where=_BOUNCE,
)
sa.Index("ix_events_held", events.c.happened_at, sqlite_where=HELD, postgresql_where=HELD)
# Answers "which data about people's machines has been stored for too long".
sa.Index("ix_events_raw", events.c.happened_at, sqlite_where=HAS_RAW, postgresql_where=HAS_RAW)
#: Written out, as above.
COMPLAINT = events.c.kind == sa.literal_column("'complained'")
# Answers "who has reported an email as junk, and when".
sa.Index(
    "ix_events_complaint",
    events.c.happened_at,
    events.c.subscriber_id,
    sqlite_where=COMPLAINT,
    postgresql_where=COMPLAINT,
)
_BOOKER = events.c.booker.is_not(None)
# Answers "what has been booked with this address".
sa.Index("ix_events_booker", events.c.booker, sqlite_where=_BOOKER, postgresql_where=_BOOKER)
# Answers "who did that n times since": kind and time are looked up, the rest is in the index.
sa.Index(
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
sa.Index(
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


def add_events(connection: sa.Connection, new: Sequence[NewEvent]) -> int:
    """Store events, each once by its source key; return how many were new."""
    return add_rows(connection, NewEvent._fields, new)


def note_page_deed(
    connection: sa.Connection, subscriber_id: int, deed: PageDeed, now: datetime
) -> None:
    """Store that a person, who is locked or present, did something on a page of their own."""
    did = NewEvent(
        kind=EventKind.USED_PAGE,
        happened_at=now,
        source="pages",
        source_key=f"{deed}:{subscriber_id}:{now.isoformat()}",
        subscriber_id=subscriber_id,
        verdict=Verdict.HUMAN,
        raw={"deed": deed.value},
    )
    add_events(connection, [did])


def add_rows(
    connection: sa.Connection, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> int:
    """Store events given as values for these columns; return how many were new."""
    if not rows:
        return 0
    given = as_rows(connection, events, columns, rows)
    added = connection.execute(_add_statement(connection.dialect.name, columns), {"rows": given})
    return len(added.all())


def rename(connection: sa.Connection, source_key: str, kind: str, to: str) -> bool:
    """Change the kind of one event; return whether it existed with the expected kind."""
    where = (events.c.source_key == source_key) & (events.c.kind == kind)
    values: dict[str, Any] = {"kind": to, "bounce": Bounce.HARD if to == "bounced" else None}
    return connection.execute(sa.update(events).where(where).values(values)).rowcount == 1


def count_events(connection: sa.Connection) -> dict[str, int]:
    """Count the events by kind; those that are held do not count yet."""
    counted = sa.select(events.c.kind, sa.func.count()).where(~HELD).group_by(events.c.kind)
    return {row[0]: row[1] for row in connection.execute(counted)}


def events_of(connection: sa.Connection, subscriber_id: int) -> list[dict[str, Any]]:
    """Return what happened to one subscriber, oldest first; of hits, only those by a person."""
    by_somebody = (events.c.source != "hit") | HUMAN
    where = (events.c.subscriber_id == subscriber_id) & by_somebody
    ordered = sa.select(events).where(where).order_by(events.c.happened_at, events.c.id)
    return [dict(row) for row in connection.execute(ordered).mappings()]


def verdicts_of(connection: sa.Connection, subscriber_id: int, kind: str) -> dict[str, int]:
    """Count the hits of a kind on one subscriber's messages, by verdict."""
    counted = sa.select(events.c.verdict, sa.func.count()).group_by(events.c.verdict)
    mine = (events.c.subscriber_id == subscriber_id) & (events.c.kind == kind)
    return {row[0] or "held": row[1] for row in connection.execute(counted.where(mine))}


@cache
def _add_statement(dialect: str, columns: tuple[str, ...]) -> Any:
    rows = rows_as_table(dialect, events, columns)
    # SQLite parses ON CONFLICT after a SELECT only if the SELECT has a WHERE.
    chosen = sa.select(*rows.c).where(sa.text("1 = 1"))
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(events)
    return insert.from_select(columns, chosen).on_conflict_do_nothing().returning(events.c.id)
