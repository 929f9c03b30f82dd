"""Many fresh, migrated databases: the migrations run once, the rest are copies."""

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

Migrate = Callable[[str], None]

_HANG_UP_ON_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'
"""
_COUNT_FROM_THE_START = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences
"""
#: Tables, indexes and their columns; settings; and what a test may count.
_SHAPE = """
    SELECT
        (SELECT string_agg(format('%s %s %s', relname, attname, atttypid), ','
                           ORDER BY relname, attnum)
         FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
         WHERE relnamespace = 'public'::regnamespace),
        (SELECT count(*) FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
         WHERE datname = current_database()),
        (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database())
"""


@dataclass(frozen=True)
class _State:
    """A database's schema and settings, and its rows."""

    shape: object
    rows: dict[str, list[str]]


class PostgresDatabases:
    """Databases on one server, copied from a template that exists during the block."""

    def __init__(self, server: str, migrate: Migrate) -> None:
        self._server = make_url(server).set(drivername="postgresql")
        self._migrate = migrate
        self._template = _unique("template")
        self._idle: list[str] = []
        self._as_made: _State | None = None

    def __enter__(self) -> "PostgresDatabases":
        """Create the template and run the migrations on it."""
        self._do(f"CREATE DATABASE {self._template}")
        try:
            self._migrate(_spelled(self._server.set(database=self._template)))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the template and the lent databases."""
        for name in (self._template, *self._idle):
            self._do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Yield the URL of a separate database, which is dropped afterwards."""
        name = self._made()
        try:
            yield self._url(name)
        finally:
            self._drop(name)

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Yield the URL of an empty database that others may have used before.

        Emptying one takes a fraction of the time of making one. A database returned with other
        tables or settings than it was made with is dropped and not lent again.
        """
        name = self._idle.pop() if self._idle else self._made()
        as_made = self._as_made = self._as_made or self._look(name)
        try:
            yield self._url(name)
        finally:
            if self._emptied(name, as_made):
                self._idle.append(name)
            else:
                self._drop(name)

    def _made(self) -> str:
        name = _unique("test")
        self._do(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy")
        return name

    def _drop(self, name: str) -> None:
        self._do(f"DROP DATABASE {name} WITH (FORCE)")

    def _look(self, name: str) -> _State:
        with psycopg.connect(self._url(name)) as connection:
            return _state(connection)

    def _emptied(self, name: str, as_made: _State) -> bool:
        """Return whether a database could be restored to its original state."""
        try:
            with psycopg.connect(self._url(name)) as connection:
                connection.execute(_HANG_UP_ON_OTHERS)
                _truncate(connection, _tables_with_rows(connection) - as_made.rows.keys())
                connection.execute(_COUNT_FROM_THE_START)
                return _state(connection) == as_made
        except psycopg.Error:
            return False

    def _url(self, name: str) -> str:
        return _spelled(self._server.set(database=name))

    def _do(self, statement: str) -> None:
        with psycopg.connect(_spelled(self._server), autocommit=True) as connection:
            connection.execute(statement.encode())


class SqliteDatabases:
    """SQLite files, each a copy of one on which the migrations have run."""

    def __init__(self, directory: Path, migrate: Migrate) -> None:
        self._template = directory / "template.db"
        migrate(f"sqlite:///{self._template}")
        with sqlite3.connect(self._template) as connection:
            # What stands in the write-ahead log would be missing from the copies.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def fresh(self, directory: Path) -> str:
        """Return the URL of a separate database in `directory`, which is removed with it."""
        path = directory / "nurture.db"
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"


def _state(connection: psycopg.Connection) -> _State:
    [shape] = connection.execute(_SHAPE).fetchall()
    return _State(shape, {name: _rows(connection, name) for name in _tables_with_rows(connection)})


def _rows(connection: psycopg.Connection, table: str) -> list[str]:
    query = sql.SQL("SELECT it::text FROM {} AS it ORDER BY 1").format(sql.Identifier(table))
    return [row for (row,) in connection.execute(query)]


def _tables_with_rows(connection: psycopg.Connection) -> set[str]:
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    each = [
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(name, sql.Identifier(name))
        for (name,) in tables.fetchall()
    ]
    return {name for (name,) in connection.execute(sql.SQL(" UNION ALL ").join(each))}


def _truncate(connection: psycopg.Connection, tables: set[str]) -> None:
    if tables:
        named = sql.SQL(", ").join(map(sql.Identifier, sorted(tables)))
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(named))


@contextmanager
def empty_postgresql(server: str) -> Iterator[str]:
    """Create a database without any tables on this server, for the block."""
    url = make_url(server)
    plain, name = _spelled(url.set(drivername="postgresql")), _unique("empty")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    try:
        yield _spelled(url.set(database=name))
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _unique(kind: str) -> str:
    return f"nurture_{kind}_{secrets.token_hex(6)}"


def _spelled(url: URL) -> str:
    return url.render_as_string(hide_password=False)
