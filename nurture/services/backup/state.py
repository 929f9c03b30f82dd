"""The state of the backups: the last good one, its age, and what is wrong, in words."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from nurture.archive.place import StoredFile
from nurture.domain.backups import STALE_AFTER
from nurture.domain.errors import NurtureError
from nurture.services.backup.backups import BackupSetup
from nurture.services.backup.withdrawals import to_copy
from nurture.store.tables.backups import Attempt, last_attempt, last_good

#: A function that finds a file by the location that was recorded for it.
Find = Callable[[str], StoredFile]


def standing(setup: BackupSetup, find: Find, now: datetime) -> dict[str, Any]:
    """Return the state as plain values; this checks the last good backup.

    A backup in a folder is read for that; a bucket is only queried, and nothing is downloaded.
    """
    last, good = _attempts(setup)
    waiting, unreachable = _waiting(setup)
    of_file = [unreachable] if unreachable else _of_file(good, find)
    return {
        "place": str(setup.place) if setup.place else None,
        "last_good": _as_values(good, now) if good else None,
        "trouble": " ".join([*_troubles(setup, last, good, now), *of_file]) or None,
        "withdrawals_journal": str(setup.journal),
        "withdrawals_to_copy": waiting,
        "withdrawals_survive_this_machine": setup.place is not None,
    }


def _waiting(setup: BackupSetup) -> tuple[int | None, str]:
    """Return how many withdrawals are still to be copied, or why that is unknown."""
    try:
        if setup.place is not None:
            setup.place.probe()
        return to_copy(setup.database, setup.journal), ""
    except (OSError, NurtureError) as error:
        return None, str(error)


def trouble(setup: BackupSetup, now: datetime) -> str:
    """Return what is wrong according to the records, in sentences; "" if nothing is."""
    return " ".join(_troubles(setup, *_attempts(setup), now))


def _attempts(setup: BackupSetup) -> tuple[Attempt | None, Attempt | None]:
    with setup.database.reading() as connection:
        return last_attempt(connection), last_good(connection)


def _troubles(
    setup: BackupSetup, last: Attempt | None, good: Attempt | None, now: datetime
) -> Iterator[str]:
    if last and last.trouble:
        yield f"The backup of {last.begun_at:%-d %B %Y, %H:%M} UTC is not good: {last.trouble}"
    if setup.place is None:
        return
    if good is None and last is None and not setup.keys.exist():
        yield (
            "Backups are not set up yet: run “nurture backup” once by hand, and keep the words "
            "that it shows."
        )
    if good and now - good.begun_at > STALE_AFTER:
        yield f"The last good backup is {(now - good.begun_at).days} days old."


def _of_file(good: Attempt | None, find: Find) -> Iterator[str]:
    """Check that the file is still what was proven."""
    if good is None:
        return
    try:
        file = find(good.file)
        found = file.place.mark(file.name)
    except (OSError, NurtureError) as error:
        yield f"The last good backup, {good.file}, cannot be read any more: {error}"
        return
    if found is None:
        yield f"The last good backup, {good.file}, is not there any more: run “nurture backup”."
    elif found != good.sha256:
        yield (
            f"{good.file} has changed since it was proven, and is no good any more: run "
            "“nurture backup”."
        )


def _as_values(good: Attempt, now: datetime) -> dict[str, Any]:
    return {
        "file": good.file,
        "made_at": good.begun_at.isoformat(),
        "age_hours": round((now - good.begun_at).total_seconds() / 3600, 1),
        "kilobytes": good.size,
        "rows": good.rows,
    }
