"""The databases measured, both durable: a committed transaction has reached the disk."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from unittest.mock import patch

import psycopg
from sqlalchemy.engine import make_url

from bench.people import COLLECTED
from bench.workers import SECRET
from nurture.library.folder import read_library
from nurture.services.keys.mark import insist_on_keys
from nurture.services.publishing import files
from nurture.store.database import Database
from nurture.store.migrate import migrate
from nurture.tokens import Tokens
from tests.servers import postgres

#: The tests' server forgets the disk for speed; here it keeps its promises.
_DURABLE = {
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "wal_level": "replica",
    "max_wal_size": "2GB",
    "log_min_messages": "fatal",
}


@dataclass(frozen=True)
class Store:
    """One kind of database; `server` is the process charged with its cost, if any."""

    kind: str
    directory: Path
    library: Path
    address: str = ""
    server: tuple[int, ...] = ()

    @contextmanager
    def fresh(self) -> Iterator[Database]:
        """Create a new database with its tables made and the library published."""
        name = f"bench_{next(_numbers)}"
        database = Database(self._copy(name))
        try:
            yield database
        finally:
            database.close()
            self._drop(name)

    def prepare(self) -> None:
        """Make the database from which all fresh ones are copied."""
        if self.server:
            self._do(f"CREATE DATABASE {_TEMPLATE}")
        url = self._url(_TEMPLATE)
        migrate(url)
        database = Database(url)
        files.publish(database, read_library(self.library), COLLECTED)
        # The people that are made up have no hashes by which the keys could be told.
        insist_on_keys(database, Tokens([SECRET]))
        if not self.server:
            # What stands in the write-ahead log would be missing from the copies.
            with database.engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()

    def _copy(self, name: str) -> str:
        if self.server:
            self._do(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        else:
            shutil.copyfile(self.directory / f"{_TEMPLATE}.db", self.directory / f"{name}.db")
        return self._url(name)

    def _url(self, name: str) -> str:
        if not self.server:
            return f"sqlite:///{self.directory / name}.db"
        return make_url(self.address).set(database=name).render_as_string(hide_password=False)

    def _drop(self, name: str) -> None:
        if self.server:
            return self._do(f"DROP DATABASE {name} WITH (FORCE)")
        for path in self.directory.glob(f"{name}.db*"):
            path.unlink()

    def _do(self, statement: str) -> None:
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(statement.encode())


_numbers = count(1)
_TEMPLATE = "bench_template"


@contextmanager
def stores(directory: Path, library: Path) -> Iterator[list[Store]]:
    """Provide an SQLite directory, and a PostgreSQL server that runs during the block."""
    embedded = Store("SQLite", directory, library)
    with patch.dict(postgres._SETTINGS, _DURABLE):
        server = postgres.Server(postgres.find_programs())
        with server:
            pid = int((server.directory / "data/postmaster.pid").read_text().split()[0])
            both = [embedded, Store("PostgreSQL", directory, library, server.url, (pid,))]
            for store in both:
                store.prepare()
            yield both


def versions(store: Store) -> str:
    """Return the kind of database and its version."""
    if not store.server:
        return f"SQLite {sqlite3.sqlite_version}"
    with psycopg.connect(store.address) as connection:
        return f"PostgreSQL {connection.info.server_version // 10000}"
