"""Backing up: one encrypted file, proven before it is called good, while everything goes on."""

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nurture.archive.container import write_archive
from nurture.archive.identity import KeyFiles
from nurture.archive.journal import journal_name
from nurture.clock import real_now
from nurture.domain import backups as deciding
from nurture.domain.errors import NurtureError
from nurture.services import contents
from nurture.services.contents import Progress, Sources
from nurture.services.taking_in import prove
from nurture.store.backups import (
    Proven,
    begin_backup,
    count_for,
    end_backup,
    last_attempt,
    last_good,
)
from nurture.store.portable import bytes_of
from nurture.store.session import Database

_NAMED = re.compile(r"nurture-(\d{8}T\d{6}Z)\.age")
_STAMP = "%Y%m%dT%H%M%SZ"

#: What proving takes: the rows once in the log and once in the file. So much is left over.
_TIMES, _SPARE = 2, 200_000_000


class BackupError(NurtureError):
    """No good backup was made."""


@dataclass(frozen=True, slots=True)
class Safe:
    """What is backed up, this machine's keys to it, and the folder for every night, if set."""

    sources: Sources
    keys: KeyFiles
    place: Path | None

    @property
    def database(self) -> Database:
        """The database that is backed up."""
        return self.sources.database

    @property
    def journal(self) -> Path:
        """The journal of withdrawals: beside the backups or, where no place is set, here."""
        folder = self.place or self.keys.directory
        return folder / journal_name(self.sources.fingerprint)


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that is good."""

    file: Path
    bytes: int
    rows: int


def no_progress(rows: int) -> None:
    """Tell nobody."""


def back_up(safe: Safe, to: Path, now: datetime, tell: Progress = no_progress) -> Made:
    """Make a backup: the file `to`, or a file of its own in the folder `to`.

    It gets its name when it has been read back, restored into a scratch place and compared.
    What became of it is noted in the database. Raises `BackupError`.
    """
    occasion = f"asked {now.isoformat()} {secrets.token_hex(4)}"
    with safe.database.writing() as connection:
        number = begin_backup(connection, occasion, now)
    assert number is not None  # Nobody else draws the same.
    return _make_and_note(safe, number, to, now, tell)


def back_up_tonight(safe: Safe, now: datetime) -> Made | None:
    """Make this night's backup unless it is there; one machine does, however many ask."""
    if safe.place is None:
        return None
    night = deciding.night_of(now).date().isoformat()
    with safe.database.writing() as connection:
        last, good = last_attempt(connection), last_good(connection)
        good_at, begun_at = (one.begun_at if one else None for one in (good, last))
        if not deciding.is_due(now, good_at, begun_at, bool(last and last.ended_at)):
            return None
        occasion = f"{night}#{count_for(connection, night) + 1}"
        number = begin_backup(connection, occasion, now)
    return None if number is None else _make_and_note(safe, number, safe.place, now, no_progress)


def _make_and_note(safe: Safe, number: int, to: Path, now: datetime, tell: Progress) -> Made:
    try:
        made = _make(safe, to, now, tell)
    except Exception as error:
        trouble = _in_words(error)
        with safe.database.writing() as connection:
            end_backup(connection, number, now, None, trouble)
        raise BackupError(trouble) from error
    digest = contents.digest_of(made.file)
    found = Proven(str(made.file), -(-made.bytes // 1024), made.rows, digest)
    with safe.database.writing() as connection:
        end_backup(connection, number, now, found)
    if safe.place is not None and made.file.parent == safe.place:
        thin_out(safe.place)
    return made


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError):
        what, why = error.filename or "The backup", error.strerror or error
        return f"{what} cannot be written or read: {why}."
    if isinstance(error, NurtureError):
        return str(error)
    return f"It was broken off by a fault of the program ({type(error).__name__})."


def _make(safe: Safe, to: Path, now: datetime, tell: Progress) -> Made:
    if not safe.keys.exist():
        raise BackupError(
            "Backups are not set up yet: nobody has seen the words that open them.",
            remedy="Run “nurture backup” once by hand and keep the words that it shows.",
        )
    if to == safe.place:
        to.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (to / _name(now) if to.is_dir() else to).absolute()
    _insist_on_room(safe)
    draft, identity = file.with_name(f".{file.name}.part"), safe.keys.read()
    safe.keys.lay_beside(file.parent)
    with _alone(safe.keys.directory):
        try:
            members = contents.everything(safe.sources, now, tell)
            write_archive(draft, members, identity.to_public())
            rows = prove(draft, identity, safe.keys.directory, tell)
            size = draft.stat().st_size
            draft.replace(file)
            _sync(file.parent)
        finally:
            draft.unlink(missing_ok=True)
    return Made(file, size, rows)


def _insist_on_room(safe: Safe) -> None:
    """A backup is proven beside the database, and must not take the room that it lives on."""
    with safe.database.reading() as connection:
        needed = _TIMES * bytes_of(connection) + _SPARE
    there = safe.keys.directory
    if shutil.disk_usage(there).free < needed:
        raise BackupError(
            f"There is no room in {there} to prove a backup: {needed / 1e6:,.0f} MB are needed.",
            remedy="Make room there, or move NURTURE_DATA_DIR to a larger disk.",
        )


def _name(now: datetime) -> str:
    return f"nurture-{now.astimezone(UTC).strftime(_STAMP)}.age"


def thin_out(folder: Path) -> list[Path]:
    """Remove the backups of a folder that are not among those to keep; return which.

    What a process that was killed has left unfinished goes after a day.
    """
    made = {}
    for path in folder.iterdir():
        if named := _NAMED.fullmatch(path.name):
            made[datetime.strptime(named[1], _STAMP).replace(tzinfo=UTC)] = path
    gone = [made[at] for at in sorted(made.keys() - deciding.kept(made.keys()))]
    gone += [path for path in folder.glob(".nurture-*.age.part") if _is_old(path)]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


def _is_old(path: Path) -> bool:
    return real_now().timestamp() - path.stat().st_mtime > 86_400


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One backup of a machine at a time."""
    lock = os.open(directory / "backup-lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BackupError(
            "Another backup is being made.", remedy="Wait until it is done."
        ) from None
    finally:
        os.close(lock)


def _sync(folder: Path) -> None:
    """See that the name is on the disk as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
