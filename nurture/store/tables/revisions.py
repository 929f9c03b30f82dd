"""Revisions: every published state of an email, a sequence or the practice; immutable."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from nurture.domain.broadcasts.broadcast import PREFIX
from nurture.domain.known_words import known
from nurture.store.types import Json, UtcDateTime, metadata

revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("source", Json, nullable=False),
    sa.Column("compiled", Json, nullable=False),
    sa.Column("published_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("kind", "key", "number"),
)


class RevisionKind(StrEnum):
    """What a revision is a state of."""

    EMAIL = "email"
    SEQUENCE = "sequence"
    PRACTICE = "practice"
    SEGMENTS = "segments"


class Author(StrEnum):
    """The publisher: the files of the checkout, or the owner in the studio."""

    FILES = "files"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Revision:
    """One published state; `source` is what was written, `compiled` is what the program uses."""

    id: int
    kind: RevisionKind
    key: str
    number: int
    digest: str
    author: Author
    source: Any
    compiled: Any
    published_at: datetime


def lock_publishing(connection: sa.Connection) -> None:
    """Allow only one publication at a time; SQLite's writing transactions do so anyway."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.text("LOCK TABLE revisions IN SHARE ROW EXCLUSIVE MODE"))


#: The email of a broadcast is published for that broadcast alone.
_OF_SEQUENCES = ~revisions.c.key.startswith(PREFIX)


def newest_revisions(connection: sa.Connection) -> list[Revision]:
    """Return the newest revision of everything that was ever published, except broadcasts.

    Kinds that only a newer program publishes are skipped; `library.published` deals with what such
    a program has put into a known kind.
    """
    newest = (
        sa.select(sa.func.max(revisions.c.id).label("id"))
        .where(revisions.c.kind.in_(list(RevisionKind)), _OF_SEQUENCES)
        .group_by(revisions.c.kind, revisions.c.key)
        .subquery()
    )
    rows = connection.execute(sa.select(revisions).join(newest, revisions.c.id == newest.c.id))
    return [_revision(row) for row in rows.mappings()]


def latest_publication(connection: sa.Connection) -> int:
    """Return the number of the newest revision, which changes whenever anything is published.

    Broadcasts do not count, so that sending one makes nobody read everything again.
    """
    newest = sa.select(revisions.c.id).where(_OF_SEQUENCES).order_by(revisions.c.id.desc())
    return connection.scalar(newest.limit(1)) or 0


def find_newest_by(
    connection: sa.Connection, author: Author, kind: RevisionKind, key: str
) -> Revision | None:
    """Return the newest state of one item that one author published, or None."""
    same = (revisions.c.kind == kind) & (revisions.c.key == key) & (revisions.c.author == author)
    newest = sa.select(revisions).where(same).order_by(revisions.c.number.desc()).limit(1)
    row = connection.execute(newest).mappings().first()
    return _revision(row) if row else None


def find_newest(connection: sa.Connection, kind: RevisionKind, key: str) -> Revision | None:
    """Return the newest state of one item, or None if it was never published."""
    return next(iter(history_of(connection, kind, key, most=1)), None)


def find_in_force(
    connection: sa.Connection, kind: RevisionKind, key: str, at: datetime
) -> Revision | None:
    """Return the state of one item that was in force at a moment, or None if there was none."""
    same = (revisions.c.kind == kind) & (revisions.c.key == key) & (revisions.c.published_at <= at)
    found = sa.select(revisions).where(same).order_by(revisions.c.number.desc()).limit(1)
    row = connection.execute(found).mappings().first()
    return _revision(row) if row else None


def history_of(
    connection: sa.Connection, kind: RevisionKind, key: str, most: int = 200
) -> list[Revision]:
    """Return the states of one item, newest first."""
    same = (revisions.c.kind == kind) & (revisions.c.key == key)
    found = sa.select(revisions).where(same).order_by(revisions.c.number.desc()).limit(most)
    return [_revision(row) for row in connection.execute(found).mappings()]


def states_of(connection: sa.Connection, kind: RevisionKind) -> list[Revision]:
    """Return every state that anything of one kind ever had, newest first."""
    found = sa.select(revisions).where(revisions.c.kind == kind).order_by(revisions.c.id.desc())
    return [_revision(row) for row in connection.execute(found).mappings()]


def find_state(
    connection: sa.Connection, kind: RevisionKind, key: str, number: int
) -> Revision | None:
    """Return one state of one item by its number, or None."""
    same = (revisions.c.kind == kind) & (revisions.c.key == key) & (revisions.c.number == number)
    row = connection.execute(sa.select(revisions).where(same)).mappings().first()
    return _revision(row) if row else None


def revisions_of(connection: sa.Connection, revision_ids: Iterable[int]) -> list[Revision]:
    """Return the revisions with these numbers."""
    rows = connection.execute(sa.select(revisions).where(revisions.c.id.in_(list(revision_ids))))
    return [_revision(row) for row in rows.mappings()]


def add_revision(
    connection: sa.Connection,
    *,
    kind: RevisionKind,
    key: str,
    digest: str,
    author: Author,
    source: Any,
    compiled: Any,
    now: datetime,
) -> int:
    """Publish a new state as the next number of its kind and key; return the row's id."""
    same = (revisions.c.kind == kind) & (revisions.c.key == key)
    number = (connection.scalar(sa.select(sa.func.max(revisions.c.number)).where(same)) or 0) + 1
    added = connection.execute(
        sa.insert(revisions)
        .values(
            kind=kind,
            key=key,
            number=number,
            digest=digest,
            author=author,
            source=source,
            compiled=compiled,
            published_at=now,
        )
        .returning(revisions.c.id)
    )
    return int(added.scalar_one())


def _revision(row: sa.RowMapping) -> Revision:
    values = dict(row)
    # An author that only a later version knows counts as the owner: files must not overwrite them.
    kind, author = RevisionKind(values.pop("kind")), values.pop("author")
    author = known(Author, author, Author.OWNER)
    return Revision(kind=kind, author=author, **values)
