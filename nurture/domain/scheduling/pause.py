"""Pausing a sequence, and resuming it without flooding anyone."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.scheduling.planner import Calendar
from nurture.domain.scheduling.window import SendWindow, next_open
from nurture.domain.sequences.sequence import WORKING_DAYS

#: When somebody is looked at whose step is due in a paused sequence: only after it goes on.
UNTIL_RESUMED = datetime(9999, 1, 1, tzinfo=UTC)

_Stretch = tuple[datetime, datetime]


def spread(
    count: int, start: datetime, over: timedelta, calendar: Calendar, time_zone: str
) -> list[datetime]:
    """Return `count` moments from `start` on, spread evenly over the working hours within `over`.

    If there are no working hours in that time, they are spread over the whole of it.
    """
    stretches = list(_working(start, start + over, calendar, time_zone))
    stretches = stretches or [(start, start + over)]
    length = sum((end - begin for begin, end in stretches), timedelta())
    return [_at(stretches, length * number / count) for number in range(count)]


def _working(
    start: datetime, end: datetime, calendar: Calendar, time_zone: str
) -> Iterator[_Stretch]:
    """Yield the working hours between two moments, in order."""
    usual = calendar.window
    window = SendWindow(usual.opens, usual.closes, WORKING_DAYS)
    begin = next_open(start, window, time_zone, calendar.holidays)
    while begin < end:
        closes = _same_day(begin, usual.closes, time_zone)
        yield begin, min(closes, end)
        begin = next_open(closes, window, time_zone, calendar.holidays)


def _same_day(moment: datetime, at: time, time_zone: str) -> datetime:
    zone = ZoneInfo(time_zone)
    return datetime.combine(moment.astimezone(zone).date(), at, tzinfo=zone).astimezone(UTC)


def _at(stretches: list[_Stretch], passed: timedelta) -> datetime:
    for begin, end in stretches:
        if passed < end - begin:
            return begin + passed
        passed -= end - begin
    return stretches[-1][1]
