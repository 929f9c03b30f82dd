"""A transaction that leaves nothing behind, so that one database serves many examples."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nurture.store.database import Connection, Database


class _UndoneError(Exception):
    """Rolls back what one example wrote."""


@contextmanager
def undone(database: Database) -> Iterator[Connection]:
    """Run a transaction that leaves nothing behind."""
    with pytest.raises(_UndoneError), database.writing() as connection:
        yield connection
        raise _UndoneError
