"""Wiping: SQLite's files contain nothing of what was emptied, however it got there."""

import shutil
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from nurture.store.database import Database
from nurture.store.tables.erasures import list_erasures
from nurture.store.wiping import rewrite_old, wipe

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANN = "ann.unmistakable@example.org"


def file_of(database: Database, end: str = "") -> Path:
    return Path(f"{database.engine.url.database}{end}")


def keep_and_erase(database: Database, now: datetime = NOW) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS kept (address TEXT)")
        connection.exec_driver_sql(f"INSERT INTO kept VALUES ('{ANN}')")
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE kept SET address = NULL")
        list_erasures(connection, [None], now)


def tells_of_ann(database: Database) -> bool:
    """Return whether the file or its log mentions Ann, once this process has closed it."""
    database.close()
    files = (file_of(database), file_of(database, "-wal"))
    return any(ANN.encode() in path.read_bytes() for path in files if path.exists())


def rewritten_up_to(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one()) - 1


@pytest.fixture
def reader(sqlite_database: Database) -> sqlite3.Connection:
    """A reader with an open transaction, like a long export."""
    connection = sqlite3.connect(file_of(sqlite_database), isolation_level=None)
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM subscribers").fetchone()
    return connection


def test_every_connection_overwrites_deleted_data(sqlite_database: Database) -> None:
    with sqlite_database.reading() as one, sqlite_database.reading() as other:
        for connection in (one, other):
            assert connection.exec_driver_sql("PRAGMA secure_delete").scalar_one() == 1


def test_the_write_ahead_log_is_emptied_after_an_erasure(sqlite_database: Database) -> None:
    keep_and_erase(sqlite_database)
    assert ANN.encode() in file_of(sqlite_database, "-wal").read_bytes()
    assert wipe(sqlite_database, NOW)
    assert file_of(sqlite_database, "-wal").stat().st_size == 0
    assert not tells_of_ann(sqlite_database)


def test_wiping_fails_during_a_read_and_succeeds_afterwards(
    sqlite_database: Database, reader: sqlite3.Connection
) -> None:
    keep_and_erase(sqlite_database)
    assert not wipe(sqlite_database, NOW)
    assert ANN.encode() in file_of(sqlite_database, "-wal").read_bytes()
    reader.execute("COMMIT")
    reader.close()
    assert wipe(sqlite_database, NOW)
    assert not tells_of_ann(sqlite_database)


def test_a_small_database_is_rewritten_immediately_and_a_large_one_a_day_later(
    sqlite_database: Database,
) -> None:
    keep_and_erase(sqlite_database)
    assert wipe(sqlite_database, NOW, small=0)
    assert rewritten_up_to(sqlite_database) < 1
    assert wipe(sqlite_database, NOW + timedelta(days=1), small=0)
    assert rewritten_up_to(sqlite_database) == 1
    keep_and_erase(sqlite_database)
    assert wipe(sqlite_database, NOW)
    assert rewritten_up_to(sqlite_database) == 2


def test_data_left_in_free_pages_by_an_older_version_is_wiped_at_startup(
    sqlite_database: Database,
) -> None:
    with sqlite3.connect(file_of(sqlite_database), isolation_level=None) as old:
        old.execute("PRAGMA secure_delete = OFF")
        old.execute("CREATE TABLE kept (address TEXT, page BLOB)")
        old.execute("INSERT INTO kept VALUES (?, zeroblob(9000))", (ANN,))
        old.execute("DELETE FROM kept")
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    old.close()
    assert tells_of_ann(sqlite_database)
    rewrite_old(sqlite_database)
    assert not tells_of_ann(sqlite_database)
    assert rewritten_up_to(sqlite_database) == 0


def test_wiping_restores_the_busy_timeout(sqlite_database: Database) -> None:
    wipe(sqlite_database, NOW)
    with sqlite_database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 15_000


def test_wiping_gives_up_quickly_during_a_write(
    sqlite_database: Database,
) -> None:
    keep_and_erase(sqlite_database)
    with sqlite_database.writing():
        begun = time.monotonic()
        assert not wipe(sqlite_database, NOW)
        assert time.monotonic() - begun < 5
    assert wipe(sqlite_database, NOW)
    assert not tells_of_ann(sqlite_database)


def test_a_full_disk_still_allows_the_write_ahead_log_to_be_emptied(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_and_erase(sqlite_database)
    none_free = shutil.disk_usage("/")._replace(free=0)
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: none_free)
        assert wipe(sqlite_database, NOW)
    assert file_of(sqlite_database, "-wal").stat().st_size == 0
    assert rewritten_up_to(sqlite_database) < 1
    assert wipe(sqlite_database, NOW)
    assert rewritten_up_to(sqlite_database) == 1


def test_a_database_error_contains_no_values(sqlite_database: Database) -> None:
    with sqlite_database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE unlike (address TEXT UNIQUE)")
        insert = text("INSERT INTO unlike VALUES (:address)")
        connection.execute(insert, {"address": ANN})
        with pytest.raises(IntegrityError) as told:
            connection.execute(insert, {"address": ANN})
    assert "UNIQUE" in str(told.value) and ANN not in str(told.value)
