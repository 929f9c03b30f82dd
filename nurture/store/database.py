"""Opening and closing transactions, in the same way on SQLite and PostgreSQL."""

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import ConnectionPoolEntry

from nurture.domain.errors import NurtureError
from nurture.store import postgresql as postgresql_sessions
from nurture.store import shape
from nurture.store.postgresql import UnfitDatabaseError
from nurture.store.turns import NoTurnError, Turns

__all__ = ["Connection", "Database", "DatabaseUnavailableError", "NewerDatabaseError", "insert_new"]

#: Durable and strict, and leaving nothing readable after a row has been emptied.
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")

#: Seconds that one SQLite writer waits for another; transactions take milliseconds.
_BUSY_SECONDS = 15

#: Seconds that a reader waits.
_LOOK_SECONDS = 3

#: PostgreSQL's error if a table does not exist (SQLSTATE).
_NO_SUCH_TABLE = "42P01"


#: What SQLite says if the cause is the disk, and what to do about it.
_SAID = {
    "disk is full": "Make room on its disk; nothing of this has happened.",
    "unable to open": "See that the folder is there that NURTURE_DATABASE_URL names, or else "
    "NURTURE_DATA_DIR, and that this user may write to it.",
    "readonly database": "Let this user write to it and its folder; nothing of this has happened.",
}

#: How long a reader assumes that the tables still have the same shape.
_LOOKED_AT_EVERY = 1.0


class DatabaseUnavailableError(NurtureError):
    """A database that cannot be reached or gave up; nothing of the transaction has happened."""

    quotes_nobody = True


class NothingThereError(DatabaseUnavailableError):
    """A database without tables."""


class NewerDatabaseError(DatabaseUnavailableError):
    """A database whose tables a newer program has changed; this one must not work with them."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The database is newer than this program: its tables are at {found}, and this "
            f"program knows them up to {shape.NEWEST}.",
            remedy="Install the newer version of nurture here as well; or, to go back for good, "
            "put back a copy of the database from before it was upgraded.",
        )


class Database:
    """The one database, given by its SQLAlchemy URL.

    `reading()` and `writing()` each open one short transaction. A `writing()` block that ends has
    been committed durably; one that raises has left nothing behind. Neither lets anyone use tables
    that a newer program has changed incompatibly: not at all for writing, and for no longer than a
    second for reading. With `looking`, nothing is changed, not even the embedded database's own log
    and folder.
    """

    def __init__(self, url: str, *, looking: bool = False) -> None:
        self.url, self.looking = url, looking
        self.engine = _engine_to_look(url) if looking else _engine(url)
        self._file = _identity(self.engine)
        self._turns = Turns()
        self._is_made = False
        self._fits_until = 0.0

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a consistent view to read from, or raise `DatabaseUnavailableError`."""
        with _translated_errors(), self._connected() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            connection.info["writing"] = False
            with connection.begin():
                if time.monotonic() > self._fits_until:
                    self._refuse_newer(connection)
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that is committed at the end, or raise `DatabaseUnavailableError`."""
        with _translated_errors(), self._turn(), self._connected() as connection:
            connection.info["writing"] = True
            with connection.begin():
                self._refuse_newer(connection)
                yield connection

    def _turn(self) -> AbstractContextManager[None]:
        """Wait for earlier threads of this process; a server allows concurrent writers."""
        return self._turns.next(_BUSY_SECONDS) if self.is_sqlite else nullcontext()

    def find_shape(self) -> str | None:
        """Return the shape of the tables, of any version, or `None` if there are none yet."""
        with _translated_errors(), self._connected() as connection:
            connection.info["writing"] = False
            with connection.begin():
                return shape.shape_of(connection) if shape.is_made(connection) else None

    def _refuse_newer(self, connection: Connection) -> None:
        self._is_made = self._is_made or shape.is_made(connection)
        if not self._is_made:
            return
        found = shape.shape_of(connection)
        if not shape.may_work_with(connection, found):
            raise NewerDatabaseError(str(found))
        self._fits_until = time.monotonic() + _LOOKED_AT_EVERY

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Open a connection, but never to a file that has been removed or replaced.

        SQLite would go on writing to it, and everything written would be lost.
        """
        if self._file is not None and self._file != _identity(self.engine):
            self.engine.dispose()
            if not self.exists():
                raise DatabaseUnavailableError(
                    f"There is no database at {self.engine.url.database} any more.",
                    remedy="Put it back; nothing of this has happened.",
                )
        with self.engine.connect() as connection:
            self._file = _identity(self.engine)
            yield connection

    def exists(self) -> bool:
        """Return whether the database exists; a server's is assumed to."""
        return not self.is_sqlite or Path(self.engine.url.database or "").exists()

    def ping(self) -> None:
        """Raise `DatabaseUnavailableError` unless the database answers."""
        with self.reading() as connection:
            connection.execute(sa.text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def insert_new(
    connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *returning: str
) -> list[Any]:
    """Insert the rows that do not exist yet; return the named columns of those inserted."""
    if not rows:
        return []
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).on_conflict_do_nothing()
    if not returning:
        connection.execute(statement, rows)
        return []
    columns = [table.c[name] for name in returning]
    return list(connection.execute(statement.returning(*columns), rows))


def rows_as_table(dialect: str, table: sa.Table, columns: Sequence[str]) -> sa.Subquery:
    """Return many rows as a subquery, passed as the single parameter `rows`.

    One statement with one parameter replaces a statement per row. The values come from `as_rows`
    and have the types of the table's columns of the same names. `dialect` is the name of the
    database's dialect, so that a statement can be built once and cached.
    """
    if dialect == "sqlite":
        each = sa.func.json_each(sa.bindparam("rows", type_=sa.Text)).table_valued("value")
        chosen = [
            sa.type_coerce(sa.func.json_extract(each.c.value, f"$[{n}]"), table.c[name].type).label(
                name
            )
            for n, name in enumerate(columns)
        ]
        return sa.select(*chosen).subquery("rows")
    each = sa.func.json_array_elements(
        sa.cast(sa.bindparam("rows", type_=sa.Text), sa.JSON)
    ).table_valued("value")
    chosen = [
        sa.cast(each.c.value.op("->>", return_type=sa.Text)(n), table.c[name].type).label(name)
        for n, name in enumerate(columns)
    ]
    return sa.select(*chosen).subquery("rows")


def as_rows(
    connection: Connection, table: sa.Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> str:
    """Return the values for `rows_as_table`, each in the form in which its column is stored."""
    dialect = connection.dialect
    to_stored = [table.c[name].type.bind_processor(dialect) or _as_it_is for name in columns]
    return json.dumps(
        [[bind(value) for bind, value in zip(to_stored, row, strict=True)] for row in rows],
        default=_moment,
    )


def among(dialect: str, column: sa.ColumnElement[int], name: str) -> sa.ColumnElement[bool]:
    """Return the condition that a number is one of many, passed as the single parameter `name`.

    The value comes from `as_numbers`. A parameter for each number costs more than the rest of a
    statement about a window of messages.
    """
    if dialect == "sqlite":
        each = sa.func.json_each(sa.bindparam(name, type_=sa.Text)).table_valued("value")
        return column.in_(sa.select(each.c.value))
    numbers = sa.bindparam(name, type_=postgresql.ARRAY(sa.Integer))
    return column == sa.func.any(numbers)


def as_numbers(connection: Connection, numbers: Iterable[int]) -> Any:
    """Return the value for `among`."""
    given = sorted(numbers)
    return json.dumps(given) if connection.dialect.name == "sqlite" else given


def _as_it_is(value: Any) -> Any:
    return value


def _moment(value: datetime) -> str:
    return value.isoformat(" ", "microseconds")


def _engine(url: str) -> sa.Engine:
    if sa.make_url(url).get_backend_name() != "sqlite":
        return postgresql_sessions.make_engine(url)
    _make_private_directory_of(url)
    # Values are personal, and an error's text is written to logs.
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _engine_to_look(url: str) -> sa.Engine:
    if sa.make_url(url).get_backend_name() != "sqlite":
        return postgresql_sessions.make_engine(url)
    connect = partial(_open_to_look, Path(sa.make_url(url).database or ""))
    engine = sa.create_engine(url, creator=connect, hide_parameters=True)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _open_to_look(path: Path) -> sqlite3.Connection:
    """Open a read-only connection.

    If there is no log beside the file, nobody is writing, and SQLite need not create one to read.
    """
    nobody = not path.with_name(f"{path.name}-wal").exists()
    how = "mode=ro&immutable=1" if nobody else "mode=ro"
    address = f"{path.absolute().as_uri()}?{how}"
    found = sqlite3.connect(address, uri=True, timeout=_LOOK_SECONDS, check_same_thread=False)
    found.isolation_level = None
    return found


def _identity(engine: sa.Engine) -> tuple[int, int] | None:
    """Return which file SQLite uses, or `None` for a server and for a file not yet created."""
    if engine.dialect.name != "sqlite":
        return None
    try:
        found = os.stat(engine.url.database or "")
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _make_private_directory_of(url: str) -> None:
    database = sa.make_url(url).database
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def _prepare_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    """Make SQLite durable and strict, and leave the transactions to us.

    The driver's own transaction mode silently loses updates when two processes read and then write;
    with `isolation_level = None` it opens no transactions.
    """
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Acquire the write lock immediately if something will be written.

    A transaction that reads first and asks for the lock later is refused if another has written in
    between, and the busy timeout is not honoured.
    """
    writing = connection.info.get("writing", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.ProgrammingError) as error:
        if _has_no_tables(error):
            raise NothingThereError(
                "Nothing has been published yet.", remedy="Run “nurture publish”."
            ) from error
        if isinstance(error, sa.exc.ProgrammingError):
            raise
        raise _unavailable(error) from error
    except (sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
        raise _unavailable(error) from error
    except NoTurnError:
        raise DatabaseUnavailableError(
            f"The database was busy for {_BUSY_SECONDS} seconds.",
            remedy="Try again; look for a program that keeps it locked if this happens often.",
        ) from None
    except sa.exc.InternalError as error:
        if not postgresql_sessions.is_read_only(error):
            raise
        raise DatabaseUnavailableError(
            "The database does not accept writes now.",
            remedy="Check that NURTURE_DATABASE_URL names the server that is written to, that its "
            "disk is not full and that default_transaction_read_only is off.",
        ) from error
    except UnfitDatabaseError as error:
        raise DatabaseUnavailableError(
            f"The database keeps text as {error}, which has no place for every letter.",
            remedy="Create it again with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.",
        ) from error


def _has_no_tables(error: sa.exc.DBAPIError) -> bool:
    cause = error.orig
    return "no such table" in str(cause) or getattr(cause, "sqlstate", None) == _NO_SUCH_TABLE


def _unavailable(error: Exception) -> DatabaseUnavailableError:
    said = first_line(error)
    if found := next((known for known in _SAID if known in said), None):
        return DatabaseUnavailableError(f"The database takes nothing: {said}.", remedy=_SAID[found])
    return DatabaseUnavailableError(
        f"The database did not answer: {said}.",
        remedy="Check that it is running and that NURTURE_DATABASE_URL names it, and try again.",
    )


def first_line(error: Exception) -> str:
    """Return the driver's own words without the statement, whose values may be personal."""
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().split("\n")[0].rstrip(".")
