"""The feed of the practice's blog: what the owner chose, how far it has been read, by which reader.

There is one row. What was read belongs to an address, `source`; what was chosen to the practice.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.store.database import insert_new
from nurture.store.types import UtcDateTime, metadata

_TEXTS = ("url", "source", "etag", "last_modified", "trouble", "reader")

feed_state = sa.Table(
    "feed_state",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    # The address that was chosen in the studio or by a command; empty for none.
    sa.Column("url", sa.Text, nullable=False),
    # The address that everything below was read from.
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("etag", sa.Text, nullable=False),
    sa.Column("last_modified", sa.Text, nullable=False),
    sa.Column("trouble", sa.Text, nullable=False),
    # The process that reads it, and until when on the real clock it is assumed to be alive.
    sa.Column("reader", sa.Text, nullable=False),
    # Drafts that were made since then are sent after a day; null: none is.
    sa.Column("sends_since", UtcDateTime),
    sa.Column("first_read_at", UtcDateTime),
    # When the oldest post of the first reading was published.
    sa.Column("horizon", UtcDateTime),
    sa.Column("read_at", UtcDateTime),
    sa.Column("trouble_since", UtcDateTime),
    sa.Column("lease_until", UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class FeedState:
    """The feed as it was chosen, how far it has been read, and what is in the way since when."""

    url: str = ""
    source: str = ""
    etag: str = ""
    last_modified: str = ""
    trouble: str = ""
    reader: str = ""
    sends_since: datetime | None = None
    first_read_at: datetime | None = None
    horizon: datetime | None = None
    read_at: datetime | None = None
    trouble_since: datetime | None = None
    lease_until: datetime | None = None


def find_feed(connection: sa.Connection) -> FeedState:
    """Return the state of the feed; that of none if none was ever set."""
    columns = [feed_state.c[name] for name in FeedState.__dataclass_fields__]
    row = connection.execute(sa.select(*columns).where(feed_state.c.id == 1)).first()
    return FeedState(*row) if row else FeedState()


def hold_feed(connection: sa.Connection) -> FeedState:
    """Return the state of the feed, which nobody else changes until the end."""
    insert_new(connection, feed_state, [{"id": 1} | dict.fromkeys(_TEXTS, "")])
    connection.execute(sa.select(feed_state.c.id).with_for_update())
    return find_feed(connection)


def keep_choice(connection: sa.Connection, url: str, sends_since: datetime | None) -> None:
    """Store what the owner chose; the row must be held. Another address begins without trouble."""
    values = {"url": url, "sends_since": sends_since}
    _change(connection, values | {"trouble": "", "trouble_since": None}, feed_state.c.url != url)
    _change(connection, values)


def take_feed_lease(
    connection: sa.Connection, reader: str, real_now: datetime, until: datetime
) -> bool:
    """Let only this reader read the feed until then; return whether it may."""
    lease = feed_state.c.lease_until
    free = lease.is_(None) | (lease <= real_now)
    return _change(connection, {"reader": reader, "lease_until": until}, free)


def end_feed_lease(connection: sa.Connection, reader: str, values: dict[str, Any]) -> bool:
    """Give the lease back and store what was read; return whether the reader still had it."""
    given_back: dict[str, Any] = {"reader": "", "lease_until": None}
    return _change(connection, values | given_back, feed_state.c.reader == reader)


def _change(
    connection: sa.Connection, values: dict[str, Any], *where: sa.ColumnElement[bool]
) -> bool:
    chosen = sa.update(feed_state).where(feed_state.c.id == 1, *where)
    return connection.execute(chosen.values(values)).rowcount == 1
