"""Which backups to keep, and when the next one is due."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

#: For this many days, weeks and months, the newest backup of each is kept.
DAYS, WEEKS, MONTHS = 7, 4, 12

#: A backup is made in the hour that begins at this one, UTC.
_NIGHT = 2

#: A failed attempt is repeated after this long, and one that never reported back after longer,
#: because a large database takes its time.
_AGAIN_AFTER = timedelta(hours=1)
_LOST_AFTER = timedelta(hours=6)

#: If there has been no good backup for this long, something is wrong.
STALE_AFTER = timedelta(days=2)


def kept(made: Collection[datetime]) -> set[datetime]:
    """Return which of these backups to keep: seven days, four weeks and twelve months.

    The newest of each day, week and month counts. Days without a backup do not use up any of the
    seven, so a machine that was off for a month still has seven of them.
    """
    return {
        *_newest_of_each(made, lambda at: at.date(), DAYS),
        *_newest_of_each(made, lambda at: at.isocalendar()[:2], WEEKS),
        *_newest_of_each(made, lambda at: (at.year, at.month), MONTHS),
    }


def _newest_of_each(
    made: Collection[datetime], part: Callable[[datetime], object], most: int
) -> list[datetime]:
    newest = {part(at): at for at in sorted(at.astimezone(UTC) for at in made)}
    return sorted(newest.values())[-most:]


def night_of(now: datetime) -> datetime:
    """Return when tonight's backup was due or, before that hour, last night's."""
    at = now.astimezone(UTC).replace(hour=_NIGHT, minute=0, second=0, microsecond=0)
    return at if at <= now else at - timedelta(days=1)


def is_due(now: datetime, good_at: datetime | None, begun_at: datetime | None, ended: bool) -> bool:
    """Return whether to make a backup now: tonight has no good one, and no attempt is recent.

    `good_at` is when the last good backup began, and `begun_at` is when the last attempt began.
    """
    if good_at is not None and good_at >= night_of(now):
        return False
    return begun_at is None or now - begun_at >= (_AGAIN_AFTER if ended else _LOST_AFTER)
