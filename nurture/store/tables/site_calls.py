"""The latest calls of each website, for the person who builds it: what came, and what was wrong.

Nothing that a visitor wrote is stored: only which fields were found, and what was made of them.
"""

from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa

from nurture.store.types import UtcDateTime, metadata

site_calls = sa.Table(
    "site_calls",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("site_id", sa.ForeignKey("site_keys.id"), nullable=False),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("called_at", UtcDateTime, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    # What read the form: a builder's name, or empty.
    sa.Column("reader", sa.Text, nullable=False),
    # What was wrong or what will happen, in a sentence; empty if all is well.
    sa.Column("said", sa.Text, nullable=False),
    sa.Index("ix_site_calls_site_id", "site_id", "id"),
)

#: How many are stored for each site.
CALLS_KEPT = 50


@dataclass(frozen=True, slots=True)
class SiteCall:
    """One call of a site and what became of it."""

    site_id: int
    form: str
    called_at: datetime
    status: int
    reader: str = ""
    said: str = ""


_COLUMNS = [site_calls.c[one.name] for one in fields(SiteCall)]


def add_site_call(connection: sa.Connection, call: SiteCall) -> None:
    """Store a call, and delete the site's oldest if there are too many."""
    row = {one.name: getattr(call, one.name) for one in fields(SiteCall)}
    connection.execute(sa.insert(site_calls).values(row))
    same = site_calls.c.site_id == call.site_id
    newest = sa.select(site_calls.c.id).where(same).order_by(site_calls.c.id.desc())
    last_kept = connection.scalar(newest.offset(CALLS_KEPT - 1).limit(1))
    if last_kept is not None:
        connection.execute(sa.delete(site_calls).where(same, site_calls.c.id < last_kept))


def site_calls_of(connection: sa.Connection, site_id: int, limit: int) -> list[SiteCall]:
    """Return the latest calls of a site, newest first."""
    chosen = sa.select(*_COLUMNS).where(site_calls.c.site_id == site_id)
    rows = connection.execute(chosen.order_by(site_calls.c.id.desc()).limit(limit))
    return [SiteCall(**row) for row in rows.mappings()]
