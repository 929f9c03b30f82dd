"""Erasures: the list from which every machine learns whose files it has to delete.

A row says that a person was emptied, by a number that no longer identifies anyone. Rows are listed
in the order in which their transactions end, so a reader who has reached one has missed none before
it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, Integer, Table, func, insert, select

from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.withdrawals import LET_GO, list_withdrawals
from nurture.store.types import UtcDateTime, metadata

erasures = Table(
    "erasures",
    metadata,
    Column("id", Integer, primary_key=True),
    # Null if the address never signed up and was known only from a calendar.
    Column("person", ForeignKey("subscribers.id")),
    Column("erased_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class ErasedMarks:
    """What identifies files about people who were erased: message numbers and address hashes."""

    upto: int
    messages: frozenset[int]
    address_hashes: frozenset[str]


def list_erasures(connection: Connection, people: Iterable[int | None], now: datetime) -> None:
    """Record that these people were emptied; this must be the last thing that a transaction does.

    No other transaction records any until it ends and, as nothing is locked after this, no two
    transactions can wait for each other.
    """
    rows = [{"person": person, "erased_at": now} for person in people]
    if not rows:
        return
    theirs = subscribers.c.id.in_({row["person"] for row in rows})
    whose = select(subscribers.c.address_hash).where(theirs)
    list_withdrawals(connection, connection.scalars(whose), [LET_GO], now)
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("LOCK TABLE erasures IN SHARE ROW EXCLUSIVE MODE")
    connection.execute(insert(erasures), rows)


def newest_erasure(connection: Connection) -> int:
    """Return the number of the last erasure, or zero if there was none."""
    return connection.scalar(select(func.max(erasures.c.id))) or 0


def oldest_erasure_after(connection: Connection, number: int) -> datetime | None:
    """Return when the first erasure after that number was made."""
    after = select(func.min(erasures.c.erased_at)).where(erasures.c.id > number)
    found: datetime | None = connection.scalar(after)
    return found


def gone_after(connection: Connection, number: int, limit: int) -> ErasedMarks:
    """Return who was erased after that number, reading at most `limit` erasures."""
    listed = select(erasures.c.id, erasures.c.person).where(erasures.c.id > number)
    rows = connection.execute(listed.order_by(erasures.c.id).limit(limit)).all()
    people = {row.person for row in rows if row.person is not None}
    theirs = select(messages.c.id).where(messages.c.subscriber_id.in_(people))
    hashes = select(subscribers.c.address_hash).where(subscribers.c.id.in_(people))
    return ErasedMarks(
        max((row.id for row in rows), default=number),
        frozenset(connection.scalars(theirs)),
        frozenset(connection.scalars(hashes)),
    )
