"""Guides that the owner has uploaded: every version of each, so that one can be restored."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from nurture.store.types import UtcDateTime, metadata

guide_files = sa.Table(
    "guide_files",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sequence", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("uploaded_by", sa.Text, nullable=False),
    sa.Column("uploaded_at", UtcDateTime, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("sequence", "number"),
)

#: Everything but the file itself, which is read only when needed.
_ABOUT = [column for column in guide_files.c if column.name != "content"]


@dataclass(frozen=True, slots=True)
class UploadedGuide:
    """One version of a sequence's guide; `name` is what the owner's file was called."""

    id: int
    sequence: str
    number: int
    name: str
    sha256: str
    size: int
    uploaded_by: str
    uploaded_at: datetime


def add_guide(
    connection: sa.Connection,
    *,
    sequence: str,
    name: str,
    sha256: str,
    content: bytes,
    uploaded_by: str,
    now: datetime,
) -> int:
    """Store a file as the newest version of a sequence's guide; return its number."""
    same = guide_files.c.sequence == sequence
    number = (connection.scalar(sa.select(sa.func.max(guide_files.c.number)).where(same)) or 0) + 1
    connection.execute(
        sa.insert(guide_files).values(
            sequence=sequence,
            number=number,
            name=name,
            sha256=sha256,
            size=len(content),
            content=content,
            uploaded_by=uploaded_by,
            uploaded_at=now,
        )
    )
    return number


def newest_guide(connection: sa.Connection, sequence: str) -> UploadedGuide | None:
    """Return the guide that is handed out now, or None if none was ever uploaded."""
    return next(iter(guides_of(connection, sequence, most=1)), None)


def guides_of(connection: sa.Connection, sequence: str, most: int = 50) -> list[UploadedGuide]:
    """Return the versions of a sequence's guide, newest first."""
    found = sa.select(*_ABOUT).where(guide_files.c.sequence == sequence)
    rows = connection.execute(found.order_by(guide_files.c.number.desc()).limit(most))
    return [UploadedGuide(**row) for row in rows.mappings()]


def find_guide(connection: sa.Connection, sequence: str, number: int) -> UploadedGuide | None:
    """Return one version of a sequence's guide, or None."""
    same = (guide_files.c.sequence == sequence) & (guide_files.c.number == number)
    row = connection.execute(sa.select(*_ABOUT).where(same)).mappings().first()
    return UploadedGuide(**row) if row else None


def content_of(connection: sa.Connection, guide_id: int) -> bytes:
    """Return the file itself."""
    found = sa.select(guide_files.c.content).where(guide_files.c.id == guide_id)
    return bytes(connection.scalars(found).one())


def uploaded_sequences(connection: sa.Connection) -> frozenset[str]:
    """Return the sequences whose guide the owner has uploaded."""
    return frozenset(connection.scalars(sa.select(guide_files.c.sequence).distinct()))
