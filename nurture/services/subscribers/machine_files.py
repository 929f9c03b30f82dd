"""Following: who was erased anywhere vanishes from every machine's files.

The database lists erasures; each machine remembers up to which it has parted with what it keeps
outside of the database, and goes on from there every few seconds. The mark moves when all is
done, so that whatever is busy or killed meanwhile is done again.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nurture.domain.errors import NurtureError
from nurture.files.witness import Witness
from nurture.store import wiping
from nurture.store.database import Database
from nurture.store.tables.erasures import ErasedMarks, gone_after, newest_erasure

#: So many erasures are followed at once.
_CHUNK = 500

#: Removes from one kind of this machine's files what is about people who are gone.
Remover = Callable[[ErasedMarks], None]


class FilesKeptError(NurtureError):
    """A file about somebody who was erased cannot be removed."""


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """What this machine keeps about people outside of the database.

    `followed` is the number of the erasure up to which it has parted with it.
    """

    directory: Path
    followed: Witness
    removers: tuple[Remover, ...]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time removes; the others wait and find nothing left to do."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.directory / "erasures.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def follow(database: Database, files: OwnFiles, now: datetime) -> int:
    """Part with what this machine still keeps of whoever was erased; return how many that were.

    Cheap where there is nothing new. Where SQLite's files are busy it returns, and the next call
    goes on. Raises `FilesKeptError`.
    """
    if pending(database, files) == 0:
        return 0
    with files.alone():
        return _follow(database, files, now)


def pending(database: Database, files: OwnFiles) -> int:
    """How many erasures this machine has yet to follow."""
    with database.reading() as connection:
        newest = newest_erasure(connection)
    return newest - _seen(files, newest)


def _follow(database: Database, files: OwnFiles, now: datetime) -> int:
    with database.reading() as connection:
        newest = newest_erasure(connection)
    begun = done = _seen(files, newest)
    while done < newest:
        with database.reading() as connection:
            gone = gone_after(connection, done, _CHUNK)
        _remove(files, gone)
        done = gone.upto
    if wiping.wipe(database, now):
        files.followed.set(done)
    return done - begun


def _seen(files: OwnFiles, newest: int) -> int:
    """How far we have come; back to the beginning where the database is an earlier one."""
    seen = files.followed.seen()
    return seen if seen <= newest else 0


def _remove(files: OwnFiles, gone: ErasedMarks) -> None:
    try:
        for remove in files.removers:
            remove(gone)
    except OSError as error:
        raise FilesKeptError(
            f"{error.filename} is about somebody who was erased and cannot be removed: "
            f"{error.strerror}.",
            remedy="Remove it, or let this user do so; it is tried again every few seconds.",
        ) from error
