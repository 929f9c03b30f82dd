"""The keys of websites: what a site shows when it calls, and the secret with which it may sign."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.store.types import UtcDateTime, metadata

site_keys = sa.Table(
    "site_keys",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    # By its hash a key is found; sealed, it can be shown again.
    sa.Column("key_hash", sa.Text, nullable=False, unique=True),
    sa.Column("sealed_key", sa.Text, nullable=False),
    sa.Column("sealed_secret", sa.Text, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class StoredSite:
    """A website's key and secret as they are stored."""

    id: int
    name: str
    key_hash: str = field(repr=False)
    sealed_key: str = field(repr=False)
    sealed_secret: str = field(repr=False)
    made_at: datetime
    revoked_at: datetime | None


def add_site(connection: sa.Connection, row: dict[str, Any]) -> int:
    """Store a site's key; return its number."""
    added = sa.insert(site_keys).values(row).returning(site_keys.c.id)
    number: int = connection.scalars(added).one()
    return number


def find_site(connection: sa.Connection, key_hash: str) -> StoredSite | None:
    """Return the site with that key, revoked or not."""
    found = _sites(connection, site_keys.c.key_hash == key_hash)
    return found[0] if found else None


def list_sites(connection: sa.Connection) -> list[StoredSite]:
    """Return every site, the newest first."""
    return _sites(connection, sa.true())


def change_site(connection: sa.Connection, number: int, **values: Any) -> bool:
    """Change columns of a site; return whether it exists."""
    changed = sa.update(site_keys).where(site_keys.c.id == number).values(values)
    return connection.execute(changed).rowcount > 0


def _sites(connection: sa.Connection, where: sa.ColumnElement[bool]) -> list[StoredSite]:
    chosen = sa.select(site_keys).where(where).order_by(site_keys.c.id.desc())
    return [StoredSite(**row) for row in connection.execute(chosen).mappings()]
