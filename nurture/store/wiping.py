"""Wiping: what SQLite keeps of rows that were emptied is gone from its files as well.

`secure_delete` overwrites what is emptied where it stands. The log beside the database keeps the
pages of before until it is emptied, and pages that were divided or joined may keep a piece of a
row that has moved on (of some thousand people who were erased, about two). So the log is
truncated after every erasure, and the file is written anew: at once where that takes a second,
else a day later at the latest. PostgreSQL sees to its own files.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from nurture.store.database import Database
from nurture.store.tables.erasures import newest_erasure, oldest_erasure_after

#: A file of so many bytes is written anew within a second; a larger one waits for so long.
_SMALL = 100_000_000
_LARGE_WAITS = timedelta(days=1)

#: How long others may be waited for, while nobody else can write.
_PATIENCE_MS = 1000


def wipe(database: Database, now: datetime, small: int = _SMALL) -> bool:
    """Make sure that nothing of what was erased is left in SQLite's files; false while busy.

    Call it after the commit, and again later where it did not come about. A file of more than
    `small` bytes is written anew a day later, by whoever calls then.
    """
    if not database.is_sqlite:
        return True
    with database.reading() as connection:
        newest = newest_erasure(connection)
    with _alone(database) as sqlite:
        return _rewrite_if_due(database, sqlite, newest, now, small) and _empty_log(sqlite)


def rewrite_old(database: Database) -> None:
    """Write a file of before `secure_delete` anew, once, because its free pages were never wiped.

    Where somebody is using it, or there is no room, the next start tries again.
    """
    if not database.is_sqlite:
        return
    with database.reading() as connection:
        newest = newest_erasure(connection)
    with _alone(database) as sqlite:
        if _rewritten_up_to(sqlite) < 0 and _rewrite(database, sqlite, newest):
            _empty_log(sqlite)


def into_one_file(database: Database) -> None:
    """Bring SQLite's log into its file, so that the file alone is the database."""
    with _alone(database) as sqlite:
        _empty_log(sqlite)


def _rewrite_if_due(
    database: Database, sqlite: sqlite3.Connection, newest: int, now: datetime, small: int
) -> bool:
    done = _rewritten_up_to(sqlite)
    if newest <= done:
        return True
    if _size(database) <= small:
        return _rewrite(database, sqlite, newest)
    with database.reading() as connection:
        since = oldest_erasure_after(connection, done)
    return since is None or since > now - _LARGE_WAITS or _rewrite(database, sqlite, newest)


def _rewritten_up_to(sqlite: sqlite3.Connection) -> int:
    """The erasure up to which the file was written anew; -1 where it never was.

    It stands in the file itself, so that it is as old as the file where that is put back.
    """
    return int(sqlite.execute("PRAGMA user_version").fetchone()[0]) - 1


def _rewrite(database: Database, sqlite: sqlite3.Connection, newest: int) -> bool:
    """Write the file anew; false while somebody else writes.

    Where there is no room for a second file it is put off until there is: tidying asks every
    hour, and whoever asks every few seconds is not kept waiting for it.
    """
    if shutil.disk_usage(_file(database).parent).free < 2 * _size(database):
        return True
    try:
        sqlite.execute("VACUUM")
        sqlite.execute(f"PRAGMA user_version = {newest + 1}")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return True


def _empty_log(sqlite: sqlite3.Connection) -> bool:
    """Bring the log into the file and cut it to nothing; false while somebody still reads it."""
    try:
        busy, _, _ = sqlite.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return False
    return not busy


@contextmanager
def _alone(database: Database) -> Iterator[sqlite3.Connection]:
    """A connection outside of any transaction, which waits for nobody for long."""
    pooled = database.engine.raw_connection()
    sqlite: sqlite3.Connection = pooled.driver_connection  # type: ignore[assignment]
    before = sqlite.execute("PRAGMA busy_timeout").fetchone()[0]
    sqlite.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
    try:
        yield sqlite
    finally:
        sqlite.execute(f"PRAGMA busy_timeout = {before}")
        pooled.close()


def _size(database: Database) -> int:
    return _file(database).stat().st_size


def _file(database: Database) -> Path:
    return Path(database.engine.url.database or "")
