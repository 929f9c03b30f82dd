"""Making backups: one encrypted file, proven before it counts as good; nothing has to stop."""

import fcntl
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nurture.archive.container import write_archive
from nurture.archive.folder import Folder
from nurture.archive.identity import BESIDE, KeyFiles
from nurture.archive.journal import WithdrawalJournal
from nurture.archive.place import Place, PlaceError, StoredFile
from nurture.clock import real_now
from nurture.domain import backups as rules
from nurture.domain.errors import NurtureError
from nurture.services.backup import contents
from nurture.services.backup.contents import Progress, Sources
from nurture.services.backup.proof import prove
from nurture.store.database import Database
from nurture.store.portable import bytes_of
from nurture.store.tables import backups

_NAMED = re.compile(r"nurture-(\d{8}T\d{6}Z)\.age")
_UNFINISHED = re.compile(r"\.nurture-.*\.age\.part")
_STAMP = "%Y%m%dT%H%M%SZ"
_A_DAY = timedelta(days=1)

#: The room that proving needs: the rows once in the log and once in the file, plus this reserve.
_TIMES, _SPARE = 2, 200_000_000


_log = logging.getLogger(__name__)


class BackupError(NurtureError):
    """No good backup could be made."""


@dataclass(frozen=True, slots=True)
class BackupSetup:
    """What is backed up, this machine's backup keys, and the place for nightly backups, if set."""

    sources: Sources
    keys: KeyFiles
    place: Place | None

    @property
    def database(self) -> Database:
        """The database that is backed up."""
        return self.sources.database

    @property
    def journal(self) -> WithdrawalJournal:
        """The journal of withdrawals: beside the backups or, with no place set, on this machine."""
        place = self.place or Folder(self.keys.directory)
        return place.journal(self.sources.fingerprint)


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """A good backup."""

    file: StoredFile
    bytes: int
    rows: int
    #: What prevented the removal of old backups, if anything.
    remark: str = ""


def no_progress(rows: int) -> None:
    """Report no progress."""


def back_up(
    setup: BackupSetup, to: Place, now: datetime, tell: Progress = no_progress, name: str = ""
) -> MadeBackup:
    """Make a backup at a place, under a generated name unless one is given.

    The file gets its name only once it has been read back, restored to a scratch database and
    compared. The result is recorded in the database. May raise `BackupError`.
    """
    occasion = f"asked {now.isoformat()} {secrets.token_hex(4)}"
    with setup.database.writing() as connection:
        number = backups.begin_backup(connection, occasion, now)
    assert number is not None  # No other backup has this occasion.
    return _make_and_note(setup, number, StoredFile(to, name or _name(now)), now, tell)


def back_up_tonight(setup: BackupSetup, now: datetime) -> MadeBackup | None:
    """Make tonight's backup unless it exists; of all the machines that try, only one makes it."""
    if setup.place is None:
        return None
    night = rules.night_of(now).date().isoformat()
    with setup.database.writing() as connection:
        last, good = backups.last_attempt(connection), backups.last_good(connection)
        good_at, begun_at = (one.begun_at if one else None for one in (good, last))
        if not rules.is_due(now, good_at, begun_at, bool(last and last.ended_at)):
            return None
        occasion = f"{night}#{backups.count_for(connection, night) + 1}"
        number = backups.begin_backup(connection, occasion, now)
    if number is None:
        return None
    return _make_and_note(setup, number, StoredFile(setup.place, _name(now)), now, no_progress)


def _make_and_note(
    setup: BackupSetup, number: int, file: StoredFile, now: datetime, tell: Progress
) -> MadeBackup:
    try:
        made = _make(setup, file, now, tell)
        mark = file.place.mark(file.name) or ""
    except Exception as error:
        trouble = _in_words(error)
        with setup.database.writing() as connection:
            backups.end_backup(connection, number, now, None, trouble)
        raise BackupError(trouble) from error
    found = backups.ProvenBackup(str(file), -(-made.bytes // 1024), made.rows, mark)
    with setup.database.writing() as connection:
        backups.end_backup(connection, number, now, found)
    return made if file.place != setup.place else replace(made, remark=_thinned_out(file.place))


def _thinned_out(place: Place) -> str:
    """Thin out old backups; return any trouble, which does not make the new backup any worse."""
    try:
        thin_out(place)
    except (OSError, PlaceError) as error:
        said = f"Old backups cannot be removed: {_in_words(error)}"
        _log.warning("%s", said)
        return said
    return ""


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError):
        what, why = error.filename or "The backup", error.strerror or error
        return f"{what} cannot be written or read: {why}."
    if isinstance(error, NurtureError):
        return str(error)
    return f"It was broken off by a fault of the program ({type(error).__name__})."


def _make(setup: BackupSetup, file: StoredFile, now: datetime, tell: Progress) -> MadeBackup:
    if not setup.keys.exist():
        raise BackupError(
            "Backups are not set up yet: nobody has seen the words that open them.",
            remedy="Run “nurture backup” once by hand and keep the words that it shows.",
        )
    place = file.place
    _insist_on_place(setup, place)
    if place == setup.place:
        place.prepare()
    _insist_on_room(setup)
    draft, identity = StoredFile(place, f".{file.name}.part"), setup.keys.read()
    setup.keys.lay_beside(place)
    with _alone(setup.keys.directory):
        try:
            members = contents.everything(setup.sources, now, tell)
            size, sha256 = write_archive(draft, members, identity.to_public())
            rows = prove(draft, identity, setup.keys.directory, tell)
            place.rename(draft.name, file.name, sha256)
        except BaseException:
            with suppress(OSError, PlaceError):  # The first error says more.
                place.remove(draft.name)
            raise
    return MadeBackup(file, size, rows)


def _insist_on_place(setup: BackupSetup, place: Place) -> None:
    """Raise `BackupError` if the folder is empty although backups were made there.

    If its disk is not mounted, the folder is empty, and a backup would land on this machine.
    """
    with setup.database.reading() as connection:
        good = backups.last_good(connection)
    if good and good.file.startswith(place.location("")) and place.read_small(BESIDE) is None:
        raise BackupError(
            f"{place} is empty, though backups lay there.",
            remedy="See that its disk is mounted. If it was emptied on purpose, run "
            "“nurture backup --new-words”.",
        )


def _insist_on_room(setup: BackupSetup) -> None:
    """Raise `BackupError` if there is no room to prove a backup beside the database."""
    with setup.database.reading() as connection:
        needed = _TIMES * bytes_of(connection) + _SPARE
    there = setup.keys.directory
    if shutil.disk_usage(there).free < needed:
        raise BackupError(
            f"There is no room in {there} to prove a backup: {needed / 1e6:,.0f} MB are needed.",
            remedy="Make room there, or move NURTURE_DATA_DIR to a larger disk.",
        )


def _name(now: datetime) -> str:
    return f"nurture-{now.astimezone(UTC).strftime(_STAMP)}.age"


def thin_out(place: Place) -> list[str]:
    """Remove a place's backups that are not among those to keep; return their names.

    Unfinished files from a process that was killed are removed after a day.
    """
    made, gone = {}, []
    for entry in place.entries():
        if named := _NAMED.fullmatch(entry.name):
            made[datetime.strptime(named[1], _STAMP).replace(tzinfo=UTC)] = entry.name
        elif _UNFINISHED.fullmatch(entry.name) and real_now() - entry.modified_at > _A_DAY:
            gone.append(entry.name)
    old = [made[at] for at in sorted(made.keys() - rules.kept(made.keys()))]
    for name in old + gone:
        place.remove(name)
    return old + gone


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Allow only one backup at a time on a machine."""
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
