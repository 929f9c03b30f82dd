"""Why a step is sent when it is: the wait, the days and the clock behind its time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.scheduling.planner import Calendar, due_at, wait_over_at, waits_since
from nurture.domain.scheduling.window import window_of
from nurture.domain.sequences.enrolment import Progress
from nurture.domain.sequences.sequence import Step


@dataclass(frozen=True, slots=True)
class Timing:
    """How a step's time was worked out.

    All moments are in UTC, and days are on the subscriber's calendar. `holidays` are the days on
    which it would have been sent if they were not holidays. `clocks_change_on` is a day within the
    wait on which the clocks went forward (`clocks_by` above zero) or back.
    """

    since: datetime
    wait_over_at: datetime
    due_at: datetime
    holidays: tuple[date, ...] = ()
    clocks_change_on: date | None = None
    clocks_by: timedelta = timedelta(0)


def timing(step: Step, progress: Progress, calendar: Calendar) -> Timing:
    """Return how a step's time is worked out for someone with this progress."""
    since, over, due = (
        waits_since(progress),
        wait_over_at(step, progress),
        due_at(step, progress, calendar),
    )
    zone = ZoneInfo(progress.time_zone)
    changed_on, by = _clock_change(since, due, zone)
    return Timing(since, over, due, _holidays(step, over, due, calendar, zone), changed_on, by)


def _holidays(
    step: Step, over: datetime, due: datetime, calendar: Calendar, zone: ZoneInfo
) -> tuple[date, ...]:
    on = window_of(step, calendar.window).on
    if on.holidays:
        return ()
    days = _days(over.astimezone(zone).date(), due.astimezone(zone).date())
    return tuple(day for day in days if day.weekday() in on.weekdays and day in calendar.holidays)


def _clock_change(since: datetime, due: datetime, zone: ZoneInfo) -> tuple[date | None, timedelta]:
    """Return the first clock change within the wait, unless a later one reverses it."""
    by = _offset(due, zone) - _offset(since, zone)
    if not by:
        return None, by
    days = _days(since.astimezone(zone).date(), due.astimezone(zone).date() + timedelta(days=1))
    changed = [day for day in days if _offset_at_end(day, zone) != _offset(since, zone)]
    return changed[0] if changed else None, by


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _offset_at_end(day: date, zone: ZoneInfo) -> timedelta:
    last = datetime(day.year, day.month, day.day, 23, 59, tzinfo=zone)
    return last.utcoffset() or timedelta(0)


def _days(start: date, end: date) -> list[date]:
    """Return the days from `start` up to, but not including, `end`."""
    return [start + timedelta(days=n) for n in range((end - start).days)]
