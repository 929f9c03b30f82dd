"""When and how often a practice writes, as its owner has set it."""

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum

from nurture.domain.scheduling.gate import USUAL_CAPS, Caps
from nurture.domain.scheduling.window import Holidays, SendWindow

#: Days of one's own that may be written down at a time: however they are chosen, each weekday
#: stays open often enough within the years that are searched for an open day.
MOST_CLOSED_DAYS = 100


class Nation(StrEnum):
    """Whose bank holidays are kept."""

    ENGLAND = "England"
    SCOTLAND = "Scotland"
    WALES = "Wales"
    NORTHERN_IRELAND = "Northern Ireland"
    NONE = "none"


@dataclass(frozen=True, slots=True, order=True)
class ClosedDays:
    """A stretch of days on which the practice is closed, both ends among them."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        """As it is written: `2026-12-28 to 2027-01-02`, or one day."""
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"


def parse_closed_days(text: str) -> ClosedDays:
    """Read `2026-12-28` or `2026-12-28 to 2027-01-02`; raises `ValueError` with the remedy."""
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
    """The hours in which mails of the series leave, how many, and the days on which none does.

    The hours are on the reader's own clock. Steps for any day go out on holidays too.
    """

    opens: time = time(8, 0)
    closes: time = time(19, 0)
    caps: Caps = USUAL_CAPS
    nation: Nation = Nation.ENGLAND
    closed: tuple[ClosedDays, ...] = ()

    @property
    def window(self) -> SendWindow:
        """The hours, for the planner."""
        return SendWindow(self.opens, self.closes)


@dataclass(frozen=True, slots=True)
class DaysOff:
    """Bank holidays and the practice's own closed days, taken together."""

    bank: Holidays
    closed: tuple[ClosedDays, ...] = ()

    def __contains__(self, day: date, /) -> bool:
        return day in self.bank or any(day in days for days in self.closed)
