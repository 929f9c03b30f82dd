"""The mark of the key that a database's hashes were made with, to notice that it is missing."""

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
    """The mark that is kept, if any is."""
    found: str | None = connection.scalar(select(key_marks.c.mark))
    return found


def keep_mark(connection: Connection, mark: str) -> None:
    """Keep the mark where none is kept yet."""
    insert_new(connection, key_marks, [{"id": 1, "mark": mark}])


def replace_mark(connection: Connection, mark: str) -> None:
    """Keep this mark and no other."""
    connection.execute(delete(key_marks))
    keep_mark(connection, mark)
