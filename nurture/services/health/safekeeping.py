"""Safekeeping: backups, and opt-outs copied outside the database."""

from collections.abc import Iterator
from datetime import datetime

from nurture.archive.journal import DamagedJournalError
from nurture.archive.place import PlaceError
from nurture.services.backup import state
from nurture.services.backup.backups import BackupSetup
from nurture.services.backup.state import Find
from nurture.services.backup.withdrawals import waiting_since
from nurture.services.health.finding import Finding, doubtful, failed, fine
from nurture.services.health.rows import STUCK
from nurture.services.subscribers import machine_files
from nurture.services.subscribers.machine_files import OwnFiles
from nurture.store.database import Database

_REACH = "See that a worker is running and that it can write there."
_HOW = "docs/backups.md says how to set backups up."


def backups(setup: BackupSetup, find: Find, now: datetime) -> Iterator[Finding]:
    """Check the last good backup, and that its file is still what was proven."""
    standing = state.standing(setup, find, now)
    good = standing["last_good"]
    if standing["place"] is None:
        said = "No place for backups is set (NURTURE_BACKUP_URL), so none are made by themselves."
        yield doubtful("backups", said, f"Set it to a folder elsewhere, or to a bucket: {_HOW}")
    if standing["trouble"]:
        worse = failed if good or setup.keys.exist() else doubtful
        yield worse("backups", standing["trouble"], f"Run “nurture backup” and see: {_HOW}")
    elif good:
        yield fine("backups", f"The last good one is {good['age_hours']} hours old: {good['file']}")


def withdrawals(setup: BackupSetup, now: datetime) -> Iterator[Finding]:
    """Check that every opt-out is copied out of the database."""
    try:
        since = waiting_since(setup.database, setup.journal)
    except (OSError, DamagedJournalError, PlaceError) as error:
        yield failed("withdrawals", f"Who said no is copied out to nowhere: {error}", _REACH)
        return
    if since is not None and now - since > STUCK:
        said = f"Who said no since {since:%-d %B, %H:%M} UTC is not in {setup.journal} yet."
        yield failed("withdrawals", said, _REACH)
    else:
        yield fine("withdrawals", f"Every no is in {setup.journal}.")


def erasures(database: Database, files: OwnFiles) -> Iterator[Finding]:
    """Check that erased people are gone from this machine's files too."""
    if count := machine_files.pending(database, files):
        said = f"Erasures still to be followed in the files of this machine: {count}."
        yield doubtful("erasures", said, "A running worker does so within a minute; look again.")
