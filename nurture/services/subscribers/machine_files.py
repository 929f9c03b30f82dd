"""Following erasures: removing erased people from every machine's files.

The database lists erasures; each machine remembers the last one it has applied to its own files,
and continues from there every few seconds. It moves that mark only when everything is done, so
that anything busy or killed meanwhile is done again.
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

#: How many erasures are applied together.
_CHUNK = 500

#: A function that removes erased people from one kind of this machine's files.
Remover = Callable[[ErasedMarks], None]


class FilesKeptError(NurtureError):
    """A file about an erased person cannot be removed."""


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """What this machine stores about people outside the database.

    `followed` is the number of the last erasure applied to it.
    """

    directory: Path
    followed: Witness
    removers: tuple[Remover, ...]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process at a time remove files; the others wait and find nothing left to do."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.directory / "erasures.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def follow(database: Database, files: OwnFiles, now: datetime) -> int:
    """Delete what this machine still stores about erased people; return the number of erasures.

    It is cheap if there is nothing new. If SQLite's files are busy it returns, and the next call
    continues. May raise `FilesKeptError`.
    """
    if pending(database, files) == 0:
        return 0
    with files.alone():
        return _follow(database, files, now)


def pending(database: Database, files: OwnFiles) -> int:
    """Return how many erasures this machine has yet to apply."""
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
    """Return the last applied erasure; 0 if the database is an earlier one."""
    seen = files.followed.seen()
    return seen if seen <= newest else 0


def _remove(files: OwnFiles, gone: ErasedMarks) -> None:
    try:
        for remove in files.removers:
            remove(gone)
    except OSError as error:
        raise FilesKeptError(
            f"{error.filename} is about a person who was erased and cannot be removed: "
            f"{error.strerror}.",
            remedy="Remove it, or let this user do so; it is tried again every few seconds.",
        ) from error
