"""Fresh, migrated databases by the dozen: the migrations run once, the rest are copies."""

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

Migrate = Callable[[str], None]


class PostgresDatabases:
    """Databases on one server, copied from a template that exists while the block lasts."""

    def __init__(self, server: str, migrate: Migrate) -> None:
        self._server = make_url(server).set(drivername="postgresql")
        self._migrate = migrate
        self._template = _unique("template")

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
        """Drop the template."""
        self._do(f"DROP DATABASE IF EXISTS {self._template} WITH (FORCE)")

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The address of a database of one's own; it is dropped afterwards."""
        name = _unique("test")
        self._do(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy")
        try:
            yield _spelled(self._server.set(database=name))
        finally:
            self._do(f"DROP DATABASE {name} WITH (FORCE)")

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
        """The address of a database of one's own in `directory`, which removes it."""
        path = directory / "nurture.db"
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"


def _unique(kind: str) -> str:
    return f"nurture_{kind}_{secrets.token_hex(6)}"


def _spelled(url: URL) -> str:
    return url.render_as_string(hide_password=False)
