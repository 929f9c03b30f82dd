"""Drafts: what the owner is writing and has not published yet."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.store.database import insert_new
from nurture.store.tables.revisions import RevisionKind
from nurture.store.types import Json, UtcDateTime, metadata

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    # Increases with every save, so that two tabs notice each other.
    sa.Column("version", sa.Integer, nullable=False),
    # The revision that the draft started from; 0 if there was none.
    sa.Column("based_on", sa.Integer, nullable=False),
    sa.Column("source", Json, nullable=False),
    sa.Column("saved_at", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("kind", "key"),
)


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """What the owner has written so far of one item."""

    kind: RevisionKind
    key: str
    version: int
    based_on: int
    source: Any
    saved_at: datetime


def find_draft(connection: sa.Connection, kind: RevisionKind, key: str) -> SavedDraft | None:
    """Return the draft of that item, or None if nothing is being written."""
    row = connection.execute(sa.select(drafts).where(*_is(kind, key))).mappings().first()
    return SavedDraft(**{**row, "kind": RevisionKind(row["kind"])}) if row else None


def drafted_keys(connection: sa.Connection, kind: RevisionKind) -> dict[str, datetime]:
    """Return the keys of all drafts of a kind, and when each was last saved."""
    rows = connection.execute(
        sa.select(drafts.c.key, drafts.c.saved_at).where(drafts.c.kind == kind)
    )
    return {row.key: row.saved_at for row in rows}


def save_draft(
    connection: sa.Connection,
    kind: RevisionKind,
    key: str,
    source: Any,
    *,
    version: int,
    based_on: int,
    now: datetime,
) -> int | None:
    """Save the next version of a draft over `version`, 0 for the first; return its number.

    Return None if another version has been saved since `version` was read.
    """
    values = {"version": version + 1, "source": source, "saved_at": now}
    if version:
        where = (*_is(kind, key), drafts.c.version == version)
        saved = connection.execute(sa.update(drafts).where(*where).values(**values))
        return version + 1 if saved.rowcount else None
    row = values | {"kind": kind, "key": key, "based_on": based_on}
    return 1 if insert_new(connection, drafts, [row], "version") else None


def discard_draft(connection: sa.Connection, kind: RevisionKind, key: str) -> None:
    """Delete a draft."""
    connection.execute(sa.delete(drafts).where(*_is(kind, key)))


def _is(kind: RevisionKind, key: str) -> tuple[Any, Any]:
    return drafts.c.kind == kind, drafts.c.key == key
