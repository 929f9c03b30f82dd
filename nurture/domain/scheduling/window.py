"""When in the week and the day a mail may go out, on the subscriber's own clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from nurture.domain.sequences.sequence import EVERY_DAY, SendDays, Step, Wait

#: How far is searched for an open day. Three years hold each weekday more often than bank
#: holidays and a practice's own closed days together can take from it.
_HORIZON_DAYS = 3 * 366


class Holidays(Protocol):
    """The days on which the practice's part of the world does not work."""

    def __contains__(self, day: date, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class SendWindow:
    """From `opens` to `closes` on the subscriber's wall clock, on certain days."""

    opens: time = time(8, 0)
    closes: time = time(19, 0)
    on: SendDays = EVERY_DAY


def window_of(step: Step, usual: SendWindow) -> SendWindow:
    """The window of a step: its own days, and from its own time, where it names one."""
    opens = step.at or usual.opens
    closes = usual.closes if opens < usual.closes else time.max
    return SendWindow(opens, closes, step.on)


def after_wait(start: datetime, wait: Wait, time_zone: str) -> datetime:
    """The moment a wait is over, in UTC: days on the wall clock, then elapsed time.

    Without days the wall clock has no say, which shows one hour twice when it is set back.
    """
    if not wait.days:
        return start.astimezone(UTC) + wait.elapsed
    zone = ZoneInfo(time_zone)
    local = start.astimezone(zone)
    at = local.time().replace(fold=0)
    return _instant(local.date() + timedelta(days=wait.days), at, zone) + wait.elapsed


def before_wait(end: datetime, wait: Wait, time_zone: str) -> datetime:
    """The moment from which a wait is over at `end`, in UTC; around changed clocks, about so."""
    return after_wait(end - wait.elapsed, Wait(-wait.days), time_zone)


def next_open(
    earliest: datetime, window: SendWindow, time_zone: str, holidays: Holidays
) -> datetime:
    """The first moment at or after `earliest` that lies inside the window, in UTC."""
    zone = ZoneInfo(time_zone)
    for day in _days_from(earliest, zone):
        if not _allowed(day, window.on, holidays):
            continue
        opens, closes = _instant(day, window.opens, zone), _instant(day, window.closes, zone)
        if earliest < closes:
            return max(earliest, opens)
    raise ValueError(f"no day within three years of {earliest:%d %B %Y} is open")


def next_opening(
    earliest: datetime, window: SendWindow, time_zone: str, holidays: Holidays
) -> datetime:
    """The first moment at or after `earliest` at which the window opens, in UTC."""
    zone = ZoneInfo(time_zone)
    for day in _days_from(earliest, zone):
        if not _allowed(day, window.on, holidays):
            continue
        opens = _instant(day, window.opens, zone)
        if opens >= earliest:
            return opens
    raise ValueError(f"no day within three years of {earliest:%d %B %Y} is open")


def is_open(at: datetime, window: SendWindow, time_zone: str, holidays: Holidays) -> bool:
    """Whether a mail may leave at that moment."""
    return next_open(at, window, time_zone, holidays) == at


def _days_from(earliest: datetime, zone: ZoneInfo) -> Iterator[date]:
    """The local days from the one before `earliest` on.

    Where the clocks jump over midnight, a window late in the evening lies on the next day.
    """
    today = earliest.astimezone(zone).date()
    return (today + timedelta(days=n) for n in range(-1, _HORIZON_DAYS))


def _allowed(day: date, on: SendDays, holidays: Holidays) -> bool:
    return day.weekday() in on.weekdays and (on.holidays or day not in holidays)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A wall-clock time as an instant.

    A time that the clocks jump over in spring is taken as if they had not jumped,
    which lands an hour later on the wall; of a time that comes twice in autumn the
    first is taken. Both are what PEP 495 does with `fold=0`.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
