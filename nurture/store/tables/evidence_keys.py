"""The keys that sign evidence: the newest signs, and the public halves of all are kept."""

from dataclasses import dataclass, field, fields
from datetime import datetime

import sqlalchemy as sa

from nurture.store.database import insert_new
from nurture.store.types import UtcDateTime, metadata

evidence_keys = sa.Table(
    "evidence_keys",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    # Sealed, so that the database alone does not let anyone sign.
    sa.Column("private_key", sa.Text, nullable=False),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class EvidenceKey:
    """One key: its private half as it is stored, sealed, and its public half in PEM."""

    id: int
    private_key: str = field(repr=False)
    public_key: str
    made_at: datetime


_COLUMNS = [evidence_keys.c[each.name] for each in fields(EvidenceKey)]


def list_keys(connection: sa.Connection) -> list[EvidenceKey]:
    """Return every key, newest first."""
    chosen = sa.select(*_COLUMNS).order_by(evidence_keys.c.id.desc())
    return [EvidenceKey(*row) for row in connection.execute(chosen)]


def add_key(connection: sa.Connection, key: EvidenceKey) -> None:
    """Store a key, unless another process has stored one with that number."""
    row = {each.name: getattr(key, each.name) for each in fields(EvidenceKey)}
    insert_new(connection, evidence_keys, [row])


def replace_private(connection: sa.Connection, number: int, sealed: str) -> None:
    """Replace a private half by the same one under another seal."""
    that = evidence_keys.c.id == number
    connection.execute(sa.update(evidence_keys).where(that).values(private_key=sealed))
