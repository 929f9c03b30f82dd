"""The only module that reads the clock.

Business time may be moved: `NURTURE_CLOCK` names a file that contains the current time. Leases and
timeouts concern machines and always use the real clock.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nurture.domain.errors import NurtureError

Clock = Callable[[], datetime]

#: How many times an empty file is read again: a non-atomic writer leaves it so for a moment.
_READS = 400


class ClockError(NurtureError):
    """A clock file that does not contain a time."""


def real_now() -> datetime:
    """Return the real time, for leases and timeouts."""
    return datetime.now(UTC)


_BEGAN, _BEGAN_AT = real_now(), time.monotonic()


def steady_now() -> datetime:
    """Return a time for intervals: it started as the real time and ignores clock changes."""
    return _BEGAN + timedelta(seconds=time.monotonic() - _BEGAN_AT)


def clock_from(path: str | None) -> Clock:
    """Return the real clock, or one that reads the time from a file each time it is asked."""
    return _FileClock(Path(path)) if path else real_now


class _FileClock:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self) -> datetime:
        for _ in range(_READS):
            moment = self._read()
            if moment:
                return moment
            time.sleep(0.005)
        raise ClockError(
            f"The clock's file {self.path} holds no time.",
            remedy="Write the time into it as ISO 8601 in UTC, such as 2026-11-23T09:00:00Z.",
        )

    def _read(self) -> datetime | None:
        try:
            moment = datetime.fromisoformat(self.path.read_text().strip())
        except (OSError, ValueError):
            return None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
