"""When in the week and the day an email may be sent, on the subscriber's own clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from nurture.domain.sequences.sequence import EVERY_DAY, SendDays, Step, Wait

#: How far ahead to search for an open day. Three years contain each weekday more often than bank
#: holidays and a practice's own closed days together can exclude it.
_HORIZON_DAYS = 3 * 366


class Holidays(Protocol):
    """The days on which nobody works in the practice's part of the world."""

    def __contains__(self, day: date, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class SendWindow:
    """The hours from `opens` to `closes` on the subscriber's wall clock, on certain days."""

    opens: time = time(8, 0)
    closes: time = time(19, 0)
    on: SendDays = EVERY_DAY


def window_of(step: Step, usual: SendWindow) -> SendWindow:
    """Return a step's window: its own days and, if it names a time, from that time."""
    opens = step.at or usual.opens
    closes = usual.closes if opens < usual.closes else time.max
    return SendWindow(opens, closes, step.on)


def after_wait(start: datetime, wait: Wait, time_zone: str) -> datetime:
    """Return when a wait is over, in UTC: days on the wall clock, then elapsed time.

    A wait without days ignores the wall clock, which shows one hour twice when it goes back.
    """
    if not wait.days:
        return start.astimezone(UTC) + wait.elapsed
    zone = ZoneInfo(time_zone)
    local = start.astimezone(zone)
    at = local.time().replace(fold=0)
    return _instant(local.date() + timedelta(days=wait.days), at, zone) + wait.elapsed


def before_wait(end: datetime, wait: Wait, time_zone: str) -> datetime:
    """Return when a wait that is over at `end` began, in UTC; approximate around clock changes."""
    return after_wait(end - wait.elapsed, Wait(-wait.days), time_zone)


def next_open(
    earliest: datetime, window: SendWindow, time_zone: str, holidays: Holidays
) -> datetime:
    """Return the first moment at or after `earliest` that is inside the window, in UTC."""
    zone = ZoneInfo(time_zone)
    days = _open_days(earliest, window.on, zone, holidays)
    day = next(day for day in days if earliest < _instant(day, window.closes, zone))
    return max(earliest, _instant(day, window.opens, zone))


def next_opening(
    earliest: datetime, window: SendWindow, time_zone: str, holidays: Holidays
) -> datetime:
    """Return the first moment at or after `earliest` at which the window opens, in UTC."""
    zone = ZoneInfo(time_zone)
    days = _open_days(earliest, window.on, zone, holidays)
    openings = (_instant(day, window.opens, zone) for day in days)
    return next(opens for opens in openings if opens >= earliest)


def is_open(at: datetime, window: SendWindow, time_zone: str, holidays: Holidays) -> bool:
    """Return whether an email may be sent at that moment."""
    return next_open(at, window, time_zone, holidays) == at


def _open_days(
    earliest: datetime, on: SendDays, zone: ZoneInfo, holidays: Holidays
) -> Iterator[date]:
    """Yield the local days that are allowed, beginning with the one before `earliest`.

    If the clocks jump over midnight, a window late in the evening falls on the next day.
    """
    today = earliest.astimezone(zone).date()
    for day in (today + timedelta(days=n) for n in range(-1, _HORIZON_DAYS)):
        if day.weekday() in on.weekdays and (on.holidays or day not in holidays):
            yield day
    raise ValueError(f"no day within three years of {earliest:%d %B %Y} is open")


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return a wall-clock time as an instant.

    A time that the clocks skip in spring is read as if they had not changed, which is an hour later
    on the wall clock; of a time that occurs twice in autumn, the first is used. Both are what PEP
    495 does with `fold=0`.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
