"""Hosted forms: which sites may show them and post to them, and where visitors go afterwards."""

from datetime import datetime

import sqlalchemy as sa

from nurture.store.database import insert_new
from nurture.store.types import UtcDateTime, metadata

site_origins = sa.Table(
    "site_origins",
    metadata,
    # A scheme, a host and a port, if it is an unusual one (RFC 6454 §4).
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("added_at", UtcDateTime, nullable=False),
)

form_pages = sa.Table(
    "form_pages",
    metadata,
    sa.Column("form", sa.Text, primary_key=True),
    # The site's own page of thanks; empty for ours.
    sa.Column("thanks_url", sa.Text, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)


def list_origins(connection: sa.Connection) -> list[str]:
    """Return the origins that the owner has added."""
    return list(connection.scalars(sa.select(site_origins.c.origin).order_by("origin")))


def add_origin(connection: sa.Connection, origin: str, now: datetime) -> None:
    """Add an origin; one that is known stays as it is."""
    insert_new(connection, site_origins, [{"origin": origin, "added_at": now}])


def drop_origin(connection: sa.Connection, origin: str) -> bool:
    """Remove an origin; return whether it was there."""
    removed = sa.delete(site_origins).where(site_origins.c.origin == origin)
    return connection.execute(removed).rowcount > 0


def find_thanks(connection: sa.Connection, form: str) -> str:
    """Return the site's own page of thanks for a form, or ""."""
    chosen = sa.select(form_pages.c.thanks_url).where(form_pages.c.form == form)
    return connection.scalar(chosen) or ""


def keep_thanks(connection: sa.Connection, form: str, url: str, now: datetime) -> None:
    """Store the site's own page of thanks for a form; empty for ours."""
    row = {"form": form, "thanks_url": url, "changed_at": now}
    if not insert_new(connection, form_pages, [row], "form"):
        changed = sa.update(form_pages).where(form_pages.c.form == form)
        connection.execute(changed.values(thanks_url=url, changed_at=now))
