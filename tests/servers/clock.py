"""The time, in a file that a test moves and every process of the program reads."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

#: A Monday morning in winter: working hours, no bank holiday, London on UTC.
A_MONDAY_MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class ClockFile:
    """A clock for NURTURE_CLOCK, with its file at `path`, that stands still until it is moved."""

    def __init__(self, path: Path, now: datetime = A_MONDAY_MORNING) -> None:
        self.path = path
        self.set(now)

    @property
    def now(self) -> datetime:
        """The time every process sees, aware and in UTC."""
        return datetime.fromisoformat(self.path.read_text())

    def set(self, moment: datetime) -> None:
        """Move to an aware `moment`; a reader sees the old time or the new, never half of one."""
        if moment.tzinfo is None:
            raise ValueError(f"{moment} has no time zone; say datetime(..., tzinfo=UTC)")
        draft = self.path.with_name(f"{self.path.name}.draft")
        draft.write_text(moment.astimezone(UTC).isoformat())
        draft.replace(self.path)

    def advance(self, length: timedelta) -> datetime:
        """Advance by `length` and return the new time."""
        self.set(self.now + length)
        return self.now
