"""Imports: each list that was brought in, and for each of its people the proof and what changed.

The file itself is never kept. What a row proves belongs to the person, and goes with an erasure.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.messages.status import MessageStatus
from nurture.store.database import insert_new
from nurture.store.tables.messages import messages
from nurture.store.tables.restores import numbered
from nurture.store.types import Json, UtcDateTime, metadata

imports = sa.Table(
    "imports",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    # The SHA-256 of the file's bytes.
    sa.Column("digest", sa.Text, nullable=False, index=True),
    sa.Column("program", sa.Text, nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    # How the file was to be read and what the owner said of it.
    sa.Column("said", Json, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    # When it last got further, so that one that died is recognised.
    sa.Column("moved_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("undone_at", UtcDateTime),
    # How many addresses there are, known as soon as the file is read.
    sa.Column("addresses", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("evidence", sa.Integer, nullable=False),
    sa.Column("stated", sa.Integer, nullable=False),
    sa.Column("client", sa.Integer, nullable=False),
    sa.Column("suppressed", sa.Integer, nullable=False),
    sa.Column("unknown", sa.Integer, nullable=False),
    sa.Column("mistakes", sa.Integer, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    # The first of the rows that nothing came of: sheet, line and reason, and no address.
    sa.Column("mistake_rows", Json, nullable=False),
)

import_rows = sa.Table(
    "import_rows",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("import_id", sa.ForeignKey("imports.id"), nullable=False),
    sa.Column("subscriber_id", sa.ForeignKey("subscribers.id"), nullable=False, index=True),
    sa.Column("pile", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("sheet", sa.Text, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    # What the row says itself: times, IP addresses, wording, page, what was bought.
    sa.Column("evidence", Json, nullable=False),
    sa.Column("added", sa.Boolean, nullable=False),
    sa.Column("has_changed", sa.Boolean, nullable=False),
    # What was changed, so that it can be taken back.
    sa.Column("changes", Json, nullable=False),
    sa.Column("undone", sa.Boolean, nullable=False),
    sa.UniqueConstraint("import_id", "subscriber_id"),
)

#: What is counted of each import, besides `changed`.
PILES = ("evidence", "stated", "client", "suppressed", "unknown", "mistakes")

_ROW = import_rows.c


@dataclass(frozen=True, slots=True)
class Import:
    """One list that was brought in, or is being."""

    id: int
    digest: str
    program: str
    file_name: str
    said: Mapping[str, Any]
    by: str
    started_at: datetime
    moved_at: datetime
    finished_at: datetime | None
    undone_at: datetime | None
    addresses: int
    done: int
    evidence: int
    stated: int
    client: int
    suppressed: int
    unknown: int
    mistakes: int
    changed: int
    mistake_rows: Sequence[Sequence[Any]]

    @property
    def piles(self) -> dict[str, int]:
        """How many addresses lie in each pile, and how many rows are mistakes."""
        return {pile: getattr(self, pile) for pile in PILES}


_COLUMNS = [imports.c[each.name] for each in fields(Import)]


@dataclass(frozen=True, slots=True)
class BroughtPerson:
    """What one import did to one person, as far as it can be taken back."""

    id: int
    person: int
    pile: str
    added: bool
    changes: Mapping[str, Any]


def add_import(connection: sa.Connection, **values: Any) -> Import:
    """Store an import that begins, and return it."""
    counts = dict.fromkeys((*PILES, "addresses", "done", "changed"), 0)
    row = counts | {"mistake_rows": []} | values
    added = connection.execute(sa.insert(imports).values(row).returning(imports.c.id))
    found = find_import(connection, added.scalar_one())
    assert found is not None  # It has just been added.
    return found


def find_import(connection: sa.Connection, number: int, *, lock: bool = False) -> Import | None:
    """Return the import with that number, or `None`."""
    chosen = sa.select(*_COLUMNS).where(imports.c.id == number)
    return _one(connection, chosen.with_for_update() if lock else chosen)


def find_unfinished(
    connection: sa.Connection, digest: str, said: Mapping[str, Any]
) -> Import | None:
    """Return the import of this file, read and described in the same way, that did not end."""
    open_ones = imports.c.finished_at.is_(None) & imports.c.undone_at.is_(None)
    chosen = sa.select(*_COLUMNS).where(imports.c.digest == digest, open_ones)
    rows = connection.execute(chosen.order_by(imports.c.id)).all()
    return next((one for one in map(_import, rows) if one.said == said), None)


def first_of(connection: sa.Connection, digest: str) -> datetime | None:
    """Return when this file was first brought in, unless that was taken back."""
    same = (imports.c.digest == digest) & imports.c.undone_at.is_(None)
    found: datetime | None = connection.scalar(
        sa.select(sa.func.min(imports.c.started_at)).where(same)
    )
    return found


def list_imports(connection: sa.Connection) -> list[Import]:
    """Return every import, newest first."""
    rows = connection.execute(sa.select(*_COLUMNS).order_by(imports.c.id.desc()))
    return [_import(row) for row in rows]


def change_import(connection: sa.Connection, number: int, **values: Any) -> None:
    """Set columns of one import."""
    connection.execute(sa.update(imports).where(imports.c.id == number).values(**values))


def add_rows(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the proofs of some people, one for each person and import."""
    insert_new(connection, import_rows, numbered(connection, import_rows, rows))


def brought_by(connection: sa.Connection, number: int, people: Collection[int]) -> set[int]:
    """Return which of these people an import has dealt with already."""
    theirs = (_ROW.import_id == number) & _ROW.subscriber_id.in_(people)
    return set(connection.scalars(sa.select(_ROW.subscriber_id).where(theirs)))


def proved_by_file(connection: sa.Connection, digest: str, people: Collection[int]) -> set[int]:
    """Return which of these people came with the same file before, unless that was taken back."""
    joined = import_rows.join(imports, imports.c.id == _ROW.import_id)
    same = (imports.c.digest == digest) & ~_ROW.undone
    chosen = sa.select(_ROW.subscriber_id).select_from(joined)
    return set(connection.scalars(chosen.where(same, _ROW.subscriber_id.in_(people))))


def count_changed(connection: sa.Connection, number: int) -> int:
    """Count the people that an import added or changed."""
    theirs = (_ROW.import_id == number) & _ROW.has_changed
    return connection.scalar(sa.select(sa.func.count()).where(theirs)) or 0


def still_to_undo(
    connection: sa.Connection, number: int, after: int, limit: int
) -> list[BroughtPerson]:
    """Return people whose part of an import has not been taken back yet, after that number."""
    columns = (_ROW.id, _ROW.subscriber_id, _ROW.pile, _ROW.added, _ROW.changes)
    left = (_ROW.import_id == number) & ~_ROW.undone & (_ROW.subscriber_id > after)
    chosen = sa.select(*columns).where(left).order_by(_ROW.subscriber_id).limit(limit)
    return [BroughtPerson(*row) for row in connection.execute(chosen)]


def mark_undone(connection: sa.Connection, rows: Iterable[int]) -> None:
    """Record that these parts of an import are taken back, which leaves no proof of them."""
    nothing = {"undone": True, "changes": {}, "evidence": {}}
    connection.execute(sa.update(import_rows).where(_ROW.id.in_(list(rows))).values(nothing))


def in_other_imports(connection: sa.Connection, number: int, people: Collection[int]) -> set[int]:
    """Return which of these people came with another list as well."""
    theirs = _ROW.subscriber_id.in_(people) & (_ROW.import_id != number) & ~_ROW.undone
    return set(connection.scalars(sa.select(_ROW.subscriber_id).where(theirs)))


def first_emailed_at(connection: sa.Connection, number: int, since: datetime) -> datetime | None:
    """Return when the first email was claimed for anyone that an import changed, if any was.

    An email that was taken back before it was sent counts as none.
    """
    changed = sa.select(_ROW.subscriber_id).where(
        _ROW.import_id == number, _ROW.has_changed, ~_ROW.undone
    )
    sent = _is_email(since) & messages.c.subscriber_id.in_(changed)
    found: datetime | None = connection.scalar(
        sa.select(sa.func.min(messages.c.claimed_at)).where(sent)
    )
    return found


def emailed_among(connection: sa.Connection, people: Collection[int], since: datetime) -> set[int]:
    """Return which of these people have been sent an email since then, or are about to be."""
    sent = _is_email(since) & messages.c.subscriber_id.in_(people)
    return set(connection.scalars(sa.select(messages.c.subscriber_id).where(sent)))


def proofs_of(connection: sa.Connection, people: Collection[int]) -> list[dict[str, Any]]:
    """Return what each import that is not taken back says of these people, oldest first."""
    number, brought_at = imports.c.id.label("number"), imports.c.started_at.label("brought_at")
    columns = (number, brought_at, imports.c.program, imports.c.file_name, imports.c.said)
    own = (_ROW.pile, _ROW.reason, _ROW.sheet, _ROW.line, _ROW.evidence)
    chosen = sa.select(*columns, *own).select_from(
        import_rows.join(imports, imports.c.id == _ROW.import_id)
    )
    theirs = _ROW.subscriber_id.in_(list(people)) & ~_ROW.undone
    rows = connection.execute(chosen.where(theirs).order_by(_ROW.id))
    return [dict(row) for row in rows.mappings()]


def _is_email(since: datetime) -> sa.ColumnElement[bool]:
    kept = messages.c.status != MessageStatus.CANCELLED
    return (messages.c.claimed_at >= since) & kept


def _one(connection: sa.Connection, chosen: Any) -> Import | None:
    row = connection.execute(chosen).first()
    return _import(row) if row else None


def _import(row: sa.Row[Any]) -> Import:
    return Import(**row._mapping)
