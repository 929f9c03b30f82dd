"""Calls that were refused: what the website or a provider did wrong, the newest of each.

Nothing that a visitor wrote is stored: only what was called, and what was wrong. Signups that were
accepted without a box that could not be understood are listed here too, under a `door` of their
own, so that they do not displace refused calls.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from nurture.store.types import UtcDateTime, metadata

refused_calls = sa.Table(
    "refused_calls",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    # What was called: "signup", "mail", "bookings" or `BOXES`, and the form or provider.
    sa.Column("door", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("called_at", UtcDateTime, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("problem", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("network", sa.Text, nullable=False),
    sa.Index("ix_refused_calls_door_name", "door", "name", "id"),
)

#: The door of signups that were accepted except for a box that was not understood.
BOXES = "boxes"

#: How many are stored for each door and name.
KEPT = 200


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """One refused call; `network` is roughly where it came from."""

    door: str
    name: str
    called_at: datetime
    status: int
    problem: str
    field: str = ""
    network: str = ""


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many refused calls are stored for one door and name, and when the last one came."""

    count: int
    last_at: datetime


def add_refused_call(connection: sa.Connection, call: RefusedCall) -> None:
    """Store a refused call, and delete the oldest if there are too many."""
    columns = RefusedCall.__dataclass_fields__
    connection.execute(sa.insert(refused_calls).values({n: getattr(call, n) for n in columns}))
    same = _of(call.door, call.name)
    newest = sa.select(refused_calls.c.id).where(same).order_by(refused_calls.c.id.desc())
    last_kept = connection.scalar(newest.offset(KEPT - 1).limit(1))
    if last_kept is not None:
        connection.execute(sa.delete(refused_calls).where(same, refused_calls.c.id < last_kept))


def refused_calls_of(
    connection: sa.Connection, door: str, name: str, most: int = KEPT
) -> list[RefusedCall]:
    """Return the refused calls of one form or provider, newest first."""
    found = sa.select(refused_calls).where(_of(door, name)).order_by(refused_calls.c.id.desc())
    return [_call(row) for row in connection.execute(found.limit(most)).mappings()]


def count_refusals(connection: sa.Connection) -> dict[tuple[str, str], Refusals]:
    """Count the refused calls by door and name."""
    columns = (refused_calls.c.door, refused_calls.c.name)
    counted = sa.select(*columns, sa.func.count(), sa.func.max(refused_calls.c.called_at))
    rows = connection.execute(counted.group_by(*columns))
    return {(door, name): Refusals(count, last) for door, name, count, last in rows}


def _of(door: str, name: str) -> sa.ColumnElement[bool]:
    return sa.and_(refused_calls.c.door == door, refused_calls.c.name == name)


def _call(row: sa.RowMapping) -> RefusedCall:
    values = dict(row)
    del values["id"]
    return RefusedCall(**values)
