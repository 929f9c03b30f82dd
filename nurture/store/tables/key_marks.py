"""The mark of the key that made a database's hashes, so that a missing key is noticed."""

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, select

from nurture.store.database import insert_new
from nurture.store.types import metadata

key_marks = Table(
    "key_marks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("mark", Text, nullable=False),
)


def find_mark(connection: Connection) -> str | None:
    """Return the stored mark, if there is one."""
    found: str | None = connection.scalar(select(key_marks.c.mark))
    return found


def keep_mark(connection: Connection, mark: str) -> None:
    """Store the mark if none is stored yet."""
    insert_new(connection, key_marks, [{"id": 1, "mark": mark}])


def replace_mark(connection: Connection, mark: str) -> None:
    """Store this mark in place of any other."""
    connection.execute(delete(key_marks))
    keep_mark(connection, mark)
