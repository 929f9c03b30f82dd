"""Complaints about data protection: what people wrote, and when the owner dealt with it."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.complaints import AnswerBy
from nurture.domain.known_words import known
from nurture.store.types import UtcDateTime, metadata

complaints = sa.Table(
    "complaints",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    # Null if nobody with that address was known.
    sa.Column("subscriber_id", sa.ForeignKey("subscribers.id"), index=True),
    # Null once nothing is to be known of the person any more.
    sa.Column("address", sa.Text),
    sa.Column("reference", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("answer_by", sa.Text, nullable=False),
    sa.Column("answer_to", sa.Text, nullable=False),
    # Whether they came by the link of an email, so that the address is known to be theirs.
    sa.Column("by_link", sa.Boolean, nullable=False),
    sa.Column("network", sa.Text, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False, index=True),
    sa.Column("acknowledged_at", UtcDateTime),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("note", sa.Text, nullable=False),
)

#: Whether a complaint is still to be answered, so that an erasure leaves it as it is.
OPEN = complaints.c.closed_at.is_(None)

#: What says whose a complaint was; the rest counts complaints and how promptly they were met.
PERSONAL = ("address", "name", "text", "answer_to", "note", "network")

_EMPTY: dict[str, Any] = dict.fromkeys(PERSONAL, "") | {"address": None}


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint; `address` is `None` and the text is empty once it has been emptied."""

    id: int
    subscriber_id: int | None
    address: str | None
    reference: str
    name: str
    text: str
    answer_by: AnswerBy
    answer_to: str
    by_link: bool
    received_at: datetime
    acknowledged_at: datetime | None
    closed_at: datetime | None
    note: str


_COLUMNS = [complaints.c[each.name] for each in fields(Complaint)]


def add_complaint(connection: sa.Connection, **values: Any) -> Complaint:
    """Store a complaint, and return it."""
    row = {"note": ""} | values
    added = connection.execute(sa.insert(complaints).values(row).returning(complaints.c.id))
    return get_complaint(connection, added.scalar_one())


def get_complaint(connection: sa.Connection, number: int) -> Complaint:
    """Return the complaint with that number, which is there."""
    found = find_complaint(connection, number)
    assert found is not None
    return found


def find_complaint(
    connection: sa.Connection, number: int, *, lock: bool = False
) -> Complaint | None:
    """Return the complaint with that number, or `None`."""
    chosen = sa.select(*_COLUMNS).where(complaints.c.id == number)
    row = connection.execute(chosen.with_for_update() if lock else chosen).first()
    return None if row is None else _complaint(row)


def find_number(connection: sa.Connection, reference: str) -> int | None:
    """Return the number of the complaint with that reference, or `None`."""
    same = sa.func.upper(complaints.c.reference) == reference.upper()
    found: int | None = connection.scalar(sa.select(complaints.c.id).where(same))
    return found


def find_same(
    connection: sa.Connection, address: str, text: str, since: datetime
) -> Complaint | None:
    """Return a complaint in the same words from the same address since then, or `None`."""
    same = (complaints.c.received_at > since) & (complaints.c.text == text)
    chosen = sa.select(*_COLUMNS).where(same, complaints.c.address == address)
    row = connection.execute(chosen.order_by(complaints.c.id).limit(1)).first()
    return None if row is None else _complaint(row)


def list_complaints(connection: sa.Connection) -> list[Complaint]:
    """Return every complaint, newest first."""
    chosen = sa.select(*_COLUMNS).order_by(complaints.c.received_at.desc(), complaints.c.id.desc())
    return [_complaint(row) for row in connection.execute(chosen)]


def unacknowledged(connection: sa.Connection) -> list[Complaint]:
    """Return the complaints whose receipt nobody has acknowledged, oldest first."""
    waiting = complaints.c.acknowledged_at.is_(None) & OPEN
    chosen = sa.select(*_COLUMNS).where(waiting).order_by(complaints.c.received_at, complaints.c.id)
    return [_complaint(row) for row in connection.execute(chosen)]


def complaints_of(
    connection: sa.Connection, people: Collection[int], address: str
) -> list[dict[str, Any]]:
    """Return the rows of one person's complaints, oldest first; they may have several numbers.

    They include any that were sent from the address, in any letter case, before it was known.
    """
    theirs = _from(address) | complaints.c.subscriber_id.in_(list(people))
    rows = connection.execute(sa.select(complaints).where(theirs).order_by(complaints.c.id))
    return [dict(row) for row in rows.mappings()]


def count_lately(
    connection: sa.Connection, network: str, since: datetime, most: int
) -> tuple[int, int]:
    """Count the complaints since then, from a network and altogether; stop counting at `most`."""
    recent = sa.select(complaints.c.network).where(complaints.c.received_at > since).limit(most)
    networks = connection.scalars(recent).all()
    return networks.count(network), len(networks)


def change_complaint(connection: sa.Connection, number: int, **values: Any) -> None:
    """Set columns of one complaint."""
    connection.execute(sa.update(complaints).where(complaints.c.id == number).values(**values))


def empty_complaints(connection: sa.Connection, numbers: Collection[int]) -> int:
    """Remove whatever says whose these complaints were; return how many said so."""
    those = complaints.c.id.in_(list(numbers))
    return connection.execute(sa.update(complaints).where(those).values(_EMPTY)).rowcount


def empty_closed_from(connection: sa.Connection, address: str) -> int:
    """Empty the closed complaints that an address sent before it was known; return how many."""
    those = _from(address) & ~OPEN
    return connection.execute(sa.update(complaints).where(those).values(_EMPTY)).rowcount


def empty_closed_before(connection: sa.Connection, before: datetime) -> int:
    """Empty the complaints that were closed before then; return how many."""
    said = complaints.c.address.is_not(None) | (complaints.c.text != "")
    those = (complaints.c.closed_at < before) & said
    return connection.execute(sa.update(complaints).where(those).values(_EMPTY)).rowcount


def forget_networks(connection: sa.Connection, before: datetime) -> int:
    """Remove where complaints received before then came from; return how many said so."""
    old = (complaints.c.received_at < before) & (complaints.c.network != "")
    return connection.execute(sa.update(complaints).where(old).values(network="")).rowcount


def _from(address: str) -> sa.ColumnElement[bool]:
    return sa.func.lower(complaints.c.address) == address.lower()


def _complaint(row: sa.Row[Any]) -> Complaint:
    by = known(AnswerBy, row.answer_by, AnswerBy.EMAIL)
    return Complaint(**{**row._mapping, "answer_by": by})
