"""When and how often a practice sends emails, as its owner has set it."""

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum

from nurture.domain.scheduling.gate import USUAL_CAPS, Caps
from nurture.domain.scheduling.window import Holidays, SendWindow

#: The most closed days that may be entered at a time. However they are chosen, each weekday stays
#: open often enough within the years that are searched for an open day.
MOST_CLOSED_DAYS = 100


class Nation(StrEnum):
    """The nation whose bank holidays are observed."""

    ENGLAND = "England"
    SCOTLAND = "Scotland"
    WALES = "Wales"
    NORTHERN_IRELAND = "Northern Ireland"
    NONE = "none"


@dataclass(frozen=True, slots=True, order=True)
class ClosedDays:
    """A range of days on which the practice is closed, including both ends."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        """Return it as written: `2026-12-28 to 2027-01-02`, or one day."""
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"


def parse_closed_days(text: str) -> ClosedDays:
    """Read `2026-12-28` or `2026-12-28 to 2027-01-02`; raise `ValueError` with the remedy."""
    first, found, last = text.partition(" to ")
    try:
        read = ClosedDays(
            date.fromisoformat(first.strip()),
            date.fromisoformat((last if found else first).strip()),
        )
    except ValueError:
        raise ValueError(
            f"“{text}” is no day; write 2026-12-28, or 2026-12-28 to 2027-01-02"
        ) from None
    if read.last < read.first:
        raise ValueError(f"“{text}” ends before it begins")
    return read


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The hours and frequency caps for emails of the series, and the days without any.

    The hours are on the reader's own clock. Steps allowed on any day are sent on holidays too.
    """

    opens: time = time(8, 0)
    closes: time = time(19, 0)
    caps: Caps = USUAL_CAPS
    nation: Nation = Nation.ENGLAND
    closed: tuple[ClosedDays, ...] = ()

    @property
    def window(self) -> SendWindow:
        """The hours, as a send window for the planner."""
        return SendWindow(self.opens, self.closes)


@dataclass(frozen=True, slots=True)
class DaysOff:
    """Bank holidays and the practice's own closed days, combined."""

    bank: Holidays
    closed: tuple[ClosedDays, ...] = ()

    def __contains__(self, day: date, /) -> bool:
        return day in self.bank or any(day in days for days in self.closed)
