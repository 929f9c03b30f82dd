"""Calls that were refused: what the website or a provider did wrong, the newest of each.

Nothing that a visitor wrote is stored: only what was called, and what was wrong. Signups that were
accepted without a box that could not be understood are listed here too, under a `door` of their
own, so that they do not displace refused calls.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
)

from nurture.store.types import UtcDateTime, metadata

refused_calls = Table(
    "refused_calls",
    metadata,
    Column("id", Integer, primary_key=True),
    # What was called: "signup", "mail", "bookings" or `BOXES`, and the form or provider.
    Column("door", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("called_at", UtcDateTime, nullable=False),
    Column("status", Integer, nullable=False),
    Column("problem", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("network", Text, nullable=False),
    Index("ix_refused_calls_door_name", "door", "name", "id"),
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


def add_refused_call(connection: Connection, call: RefusedCall) -> None:
    """Store a refused call, and delete the oldest if there are too many."""
    columns = RefusedCall.__dataclass_fields__
    connection.execute(insert(refused_calls).values({n: getattr(call, n) for n in columns}))
    same = _of(call.door, call.name)
    newest = select(refused_calls.c.id).where(same).order_by(refused_calls.c.id.desc())
    last_kept = connection.scalar(newest.offset(KEPT - 1).limit(1))
    if last_kept is not None:
        connection.execute(delete(refused_calls).where(same, refused_calls.c.id < last_kept))


def refused_calls_of(
    connection: Connection, door: str, name: str, most: int = KEPT
) -> list[RefusedCall]:
    """Return the refused calls of one form or provider, newest first."""
    found = select(refused_calls).where(_of(door, name)).order_by(refused_calls.c.id.desc())
    return [_call(row) for row in connection.execute(found.limit(most)).mappings()]


def count_refusals(connection: Connection) -> dict[tuple[str, str], Refusals]:
    """Count the refused calls by door and name."""
    columns = (refused_calls.c.door, refused_calls.c.name)
    counted = select(*columns, func.count(), func.max(refused_calls.c.called_at))
    rows = connection.execute(counted.group_by(*columns))
    return {(door, name): Refusals(count, last) for door, name, count, last in rows}


def _of(door: str, name: str) -> ColumnElement[bool]:
    return and_(refused_calls.c.door == door, refused_calls.c.name == name)


def _call(row: RowMapping) -> RefusedCall:
    values = dict(row)
    del values["id"]
    return RefusedCall(**values)
