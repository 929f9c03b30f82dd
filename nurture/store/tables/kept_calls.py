"""Calls that nothing could read: kept sealed until the owner says which field means what."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.store.database import insert_new
from nurture.store.types import Json, UtcDateTime, Words, metadata

kept_calls = sa.Table(
    "kept_calls",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("form", sa.Text, nullable=False, index=True),
    # The site that called, if it showed a key.
    sa.Column("site_id", sa.ForeignKey("site_keys.id")),
    sa.Column("received_at", UtcDateTime, nullable=False, index=True),
    # The fields as JSON, sealed, with the visitor's address and browser.
    sa.Column("sealed", sa.Text, nullable=False),
    # The keyed hashes of the addresses in it, by which an erasure finds it.
    sa.Column("mentions", Words, nullable=False),
    # Recognises a repetition of the same call.
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("vouched", sa.Boolean, nullable=False),
)

field_mappings = sa.Table(
    "field_mappings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("form", sa.Text, nullable=False, index=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("first_name", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("boxes", Json, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    # One meaning of a field in a form.
    sa.UniqueConstraint("form", "email"),
)


@dataclass(frozen=True, slots=True)
class KeptCall:
    """A call that could not be read."""

    id: int
    form: str
    site_id: int | None
    received_at: datetime
    sealed: str
    mentions: frozenset[str]
    digest: str
    vouched: bool


@dataclass(frozen=True, slots=True)
class StoredMapping:
    """What the owner says that fields of a form mean; `boxes` are purposes by pointer."""

    id: int
    form: str
    email: str
    first_name: str
    name: str
    boxes: dict[str, str]
    made_at: datetime


_COLUMNS = [kept_calls.c[one.name] for one in fields(KeptCall)]


def kept_calls_of(connection: sa.Connection, form: str, limit: int) -> list[KeptCall]:
    """Return the kept calls of a form, oldest first."""
    chosen = sa.select(*_COLUMNS).where(kept_calls.c.form == form).order_by(kept_calls.c.id)
    return [KeptCall(**row) for row in connection.execute(chosen.limit(limit)).mappings()]


def newest_kept_calls_of(connection: sa.Connection, form: str, limit: int) -> list[KeptCall]:
    """Return the kept calls of a form, newest first."""
    chosen = sa.select(*_COLUMNS).where(kept_calls.c.form == form)
    rows = connection.execute(chosen.order_by(kept_calls.c.id.desc()).limit(limit)).mappings()
    return [KeptCall(**row) for row in rows]


def numbers_of_kept_calls(connection: sa.Connection, form: str) -> list[int]:
    """Return the numbers of all kept calls of a form, oldest first."""
    chosen = sa.select(kept_calls.c.id).where(kept_calls.c.form == form)
    return list(connection.scalars(chosen.order_by(kept_calls.c.id)))


def take_kept_call(connection: sa.Connection, number: int) -> KeptCall | None:
    """Delete a kept call and return it; `None` if another process has taken it."""
    taken = sa.delete(kept_calls).where(kept_calls.c.id == number).returning(*_COLUMNS)
    row = connection.execute(taken).mappings().one_or_none()
    return KeptCall(**row) if row else None


def count_kept_calls(connection: sa.Connection) -> dict[str, int]:
    """Count the kept calls by form."""
    counted = sa.select(kept_calls.c.form, sa.func.count()).group_by(kept_calls.c.form)
    return {row[0]: row[1] for row in connection.execute(counted)}


def mappings_of(connection: sa.Connection, form: str) -> list[StoredMapping]:
    """Return the mappings of a form, the newest first."""
    chosen = sa.select(field_mappings).where(field_mappings.c.form == form)
    rows = connection.execute(chosen.order_by(field_mappings.c.id.desc())).mappings()
    return [StoredMapping(**row) for row in rows]


def put_mapping(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Store a mapping in place of an earlier one with the same field of the address."""
    same = sa.and_(field_mappings.c.form == row["form"], field_mappings.c.email == row["email"])
    connection.execute(sa.delete(field_mappings).where(same))
    insert_new(connection, field_mappings, [row])


def drop_mapping(connection: sa.Connection, form: str, number: int) -> bool:
    """Delete a mapping of a form; return whether it was there."""
    one = sa.and_(field_mappings.c.form == form, field_mappings.c.id == number)
    return connection.execute(sa.delete(field_mappings).where(one)).rowcount > 0


def kept_calls_naming(connection: sa.Connection, address_hashes: Collection[str]) -> list[KeptCall]:
    """Return the kept calls that name one of these addresses, oldest first."""
    chosen = sa.select(*_COLUMNS).where(_naming(address_hashes)).order_by(kept_calls.c.id)
    return [KeptCall(**row) for row in connection.execute(chosen).mappings()]


def drop_mentions(connection: sa.Connection, address_hashes: Collection[str]) -> int:
    """Delete the kept calls that name one of these addresses; return how many."""
    return drop_kept_calls(connection, _naming(address_hashes))


def _naming(address_hashes: Collection[str]) -> sa.ColumnElement[bool]:
    mentions = sa.type_coerce(kept_calls.c.mentions, sa.Text)
    named = (mentions.contains(each, autoescape=True) for each in address_hashes)
    return sa.or_(sa.false(), *named)


def drop_kept_calls(connection: sa.Connection, chosen: sa.ColumnElement[bool]) -> int:
    """Delete kept calls; return how many."""
    return connection.execute(sa.delete(kept_calls).where(chosen)).rowcount


def as_row(call: KeptCall) -> dict[str, Any]:
    """Return the columns of a call that has no number yet."""
    return {one.name: getattr(call, one.name) for one in fields(KeptCall) if one.name != "id"}
