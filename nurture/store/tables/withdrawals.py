"""Withdrawals: every opt-out in the order it was made, to be copied out of the database.

A row is written in the same transaction that stores the opt-out, by the few functions that store
one, so that copying from any number on misses none. Rows name nobody: they contain only keyed
hashes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Integer, Table, Text, func, insert, select

from nurture.store.tables.restores import numbered
from nurture.store.types import UtcDateTime, metadata

#: Someone who never confirmed was dropped: their row is emptied, but they may sign up again.
LET_GO = "let_go"

#: The prefix of the kind of a withdrawn consent; the purpose follows.
CONSENT = "consent:"

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address_hash", Text, nullable=False, index=True),
    # A reason in `domain.subscribers.suppression`, `let_go`, or `consent:` with a purpose.
    Column("kind", Text, nullable=False),
    Column("happened_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One opt-out: its address, its kind and its time."""

    id: int
    address_hash: str
    kind: str
    happened_at: datetime


def list_withdrawals(
    connection: Connection, hashes: Iterable[str], kinds: Iterable[str], at: datetime
) -> None:
    """Record these kinds of opt-out for each address, skipping those whose hash is lost."""
    known, said = [each for each in hashes if each], list(kinds)
    list_many(connection, [(one, kind, at) for one in known for kind in said])


def list_many(connection: Connection, given: Iterable[tuple[str, str, datetime]]) -> None:
    """Record many opt-outs, each with its address's hash, its kind and its time."""
    rows = [{"address_hash": h, "kind": kind, "happened_at": at} for h, kind, at in given]
    if rows:
        connection.execute(insert(withdrawals), numbered(connection, withdrawals, rows))


def list_once(connection: Connection, address_hash: str, kind: str, at: datetime) -> None:
    """Record the opt-out of an unknown person, unless it is already recorded."""
    same = (withdrawals.c.address_hash == address_hash) & (withdrawals.c.kind == kind)
    found = select(withdrawals.c.id).where(same, withdrawals.c.happened_at == at)
    if connection.scalar(found.limit(1)) is None:
        list_withdrawals(connection, [address_hash], [kind], at)


def consents_withdrawn(
    connection: Connection, address_hashes: Sequence[str]
) -> list[tuple[str, datetime]]:
    """Return which purposes the person with that address withdrew, and when."""
    theirs = withdrawals.c.address_hash.in_(address_hashes)
    found = select(withdrawals.c.kind, withdrawals.c.happened_at).where(
        theirs, withdrawals.c.kind.startswith(CONSENT, autoescape=True)
    )
    return [(kind.removeprefix(CONSENT), at) for kind, at in connection.execute(found)]


def all_consents_withdrawn(
    connection: Connection, address_hashes: Sequence[str]
) -> list[tuple[str, str, datetime]]:
    """Return what the people with these addresses withdrew: address, purpose and time of each."""
    found = select(withdrawals.c.address_hash, withdrawals.c.kind, withdrawals.c.happened_at).where(
        withdrawals.c.address_hash.in_(address_hashes),
        withdrawals.c.kind.startswith(CONSENT, autoescape=True),
    )
    return [(h, kind.removeprefix(CONSENT), at) for h, kind, at in connection.execute(found)]


def let_go_since(connection: Connection, address_hashes: Sequence[str], since: datetime) -> bool:
    """Return whether the person with that address was dropped at that time or later."""
    theirs = withdrawals.c.address_hash.in_(address_hashes)
    gone = theirs & (withdrawals.c.kind == LET_GO) & (withdrawals.c.happened_at >= since)
    return connection.scalar(select(withdrawals.c.id).where(gone).limit(1)) is not None


def newest_withdrawal(connection: Connection) -> int:
    """Return the number of the last withdrawal, or zero if there is none."""
    return connection.scalar(select(func.max(withdrawals.c.id))) or 0


def happened_after(connection: Connection, number: int) -> datetime | None:
    """Return when the first withdrawal after that number was made, or `None` if there is none."""
    after = select(withdrawals.c.happened_at).where(withdrawals.c.id > number)
    found: datetime | None = connection.scalar(after.order_by(withdrawals.c.id).limit(1))
    return found


def withdrawals_after(connection: Connection, number: int, limit: int) -> list[Withdrawal]:
    """Return the withdrawals after that number, earliest first.

    On a server, transactions may end in a different order from their numbers. Any that are still
    writing one are waited for, so that none appears later below a number that has been read.
    """
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("LOCK TABLE withdrawals IN SHARE MODE")
    after = select(withdrawals).where(withdrawals.c.id > number).order_by(withdrawals.c.id)
    return [Withdrawal(*row) for row in connection.execute(after.limit(limit))]
