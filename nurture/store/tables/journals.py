"""Journals: how much of each has been transferred to the database."""

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, select, update

from nurture.store.database import insert_new
from nurture.store.types import metadata

journals = Table(
    "journals",
    metadata,
    Column("name", Text, primary_key=True),
    Column("folded", Integer, nullable=False),
)


def folded_up_to(connection: Connection, journal: str) -> int:
    """Return how many bytes of a journal are already in the database, and lock this position."""
    insert_new(connection, journals, [{"name": journal, "folded": 0}])
    where = journals.c.name == journal
    place = select(journals.c.folded).where(where).with_for_update()
    return connection.scalar(place) or 0


def find_folded(connection: Connection, journal: str) -> int:
    """Return how many bytes of a journal are in the database, without locking this position."""
    return connection.scalar(select(journals.c.folded).where(journals.c.name == journal)) or 0


def forget_journal(connection: Connection, journal: str) -> None:
    """Forget the position in a journal that is about to be removed."""
    connection.execute(delete(journals).where(journals.c.name == journal))


def set_folded(connection: Connection, journal: str, folded: int) -> None:
    """Record how many bytes of a journal are in the database."""
    connection.execute(update(journals).where(journals.c.name == journal).values(folded=folded))
