"""Wiping: removing emptied rows from SQLite's files as well.

`secure_delete` overwrites what is emptied in its place. The log beside the database retains the old
pages until it is emptied, and pages that were split or merged may retain a piece of a row that has
moved (of some thousand erased people, about two). So the log is truncated after every erasure, and
the file is rewritten: immediately if that needs only a second, otherwise within a day. PostgreSQL
looks after its own files.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from nurture.store.database import Database
from nurture.store.tables.erasures import newest_erasure, oldest_erasure_after

#: A file of up to this many bytes is rewritten within a second; a larger one waits this long.
_SMALL = 100_000_000
_LARGE_WAITS = timedelta(days=1)

#: How long to wait for others, while nobody else can write.
_PATIENCE_MS = 1000


def wipe(database: Database, now: datetime, small: int = _SMALL) -> bool:
    """Ensure that nothing erased is left in SQLite's files; return false while they are busy.

    Call it after the commit, and again later if it did not succeed. A file of more than `small`
    bytes is rewritten a day later, by whichever call comes then.
    """
    if not database.is_sqlite:
        return True
    with database.reading() as connection:
        newest = newest_erasure(connection)
    with _alone(database) as sqlite:
        return _rewrite_if_due(database, sqlite, newest, now, small) and _empty_log(sqlite)


def rewrite_old(database: Database) -> None:
    """Rewrite a file from before `secure_delete` once, because its free pages were never wiped.

    If the file is in use, or there is no room, the next start tries again.
    """
    if not database.is_sqlite:
        return
    with database.reading() as connection:
        newest = newest_erasure(connection)
    with _alone(database) as sqlite:
        if _rewritten_up_to(sqlite) < 0 and _rewrite(database, sqlite, newest):
            _empty_log(sqlite)


def into_one_file(database: Database) -> None:
    """Merge SQLite's log into its file, so that the file alone is the database."""
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
    """Return the erasure up to which the file was rewritten; -1 if it never was.

    The number is in the file itself, so that it is as old as the file if an old one is put back.
    """
    return int(sqlite.execute("PRAGMA user_version").fetchone()[0]) - 1


def _rewrite(database: Database, sqlite: sqlite3.Connection, newest: int) -> bool:
    """Rewrite the file; return false while someone else is writing.

    If there is no room for a second file, rewriting is postponed until there is: tidying asks every
    hour, and callers that ask every few seconds are not delayed by it.
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
    """Merge the log into the file and truncate it; return false while it is still being read."""
    try:
        busy, _, _ = sqlite.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return False
    return not busy


@contextmanager
def _alone(database: Database) -> Iterator[sqlite3.Connection]:
    """Open a connection outside any transaction that never waits long for others."""
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
