"""How it stands with the backups: the last good one, its age, and what is wrong, in words."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from nurture.archive.place import StoredFile
from nurture.domain.backups import STALE_AFTER
from nurture.domain.errors import NurtureError
from nurture.services.backup.backups import Safe
from nurture.services.backup.withdrawals import to_copy
from nurture.store.tables.backups import Attempt, last_attempt, last_good

#: Finds a file by what was noted of where it lies.
Find = Callable[[str], StoredFile]


def standing(safe: Safe, find: Find, now: datetime) -> dict[str, Any]:
    """How it stands, as a document of plain values; it looks at the last good backup.

    A folder's is read for that; a bucket is only asked, and nothing is fetched.
    """
    last, good = _attempts(safe)
    waiting, unreachable = _waiting(safe)
    of_file = [unreachable] if unreachable else _of_file(good, find)
    return {
        "place": str(safe.place) if safe.place else None,
        "last_good": _as_values(good, now) if good else None,
        "trouble": " ".join([*_troubles(safe, last, good, now), *of_file]) or None,
        "withdrawals_journal": str(safe.journal),
        "withdrawals_to_copy": waiting,
        "withdrawals_survive_this_machine": safe.place is not None,
    }


def _waiting(safe: Safe) -> tuple[int | None, str]:
    """How many withdrawals are still to be copied, or why nobody knows."""
    try:
        if safe.place is not None:
            safe.place.probe()
        return to_copy(safe.database, safe.journal), ""
    except (OSError, NurtureError) as error:
        return None, str(error)


def trouble(safe: Safe, now: datetime) -> str:
    """What is wrong, in sentences, by what was noted; empty where nothing is."""
    return " ".join(_troubles(safe, *_attempts(safe), now))


def _attempts(safe: Safe) -> tuple[Attempt | None, Attempt | None]:
    with safe.database.reading() as connection:
        return last_attempt(connection), last_good(connection)


def _troubles(
    safe: Safe, last: Attempt | None, good: Attempt | None, now: datetime
) -> Iterator[str]:
    if last and last.trouble:
        yield f"The backup of {last.begun_at:%-d %B %Y, %H:%M} UTC is not good: {last.trouble}"
    if safe.place is None:
        return
    if good is None and last is None and not safe.keys.exist():
        yield (
            "Backups are not set up yet: run “nurture backup” once by hand, and keep the words "
            "that it shows."
        )
    if good and now - good.begun_at > STALE_AFTER:
        yield f"The last good backup is {(now - good.begun_at).days} days old."


def _of_file(good: Attempt | None, find: Find) -> Iterator[str]:
    """Whether the file is still what was proven."""
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
