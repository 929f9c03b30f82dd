"""Resuming after a pause: evenly, in working hours, and for nobody before the start."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from nurture.bank_holidays import bank_holidays
from nurture.domain.scheduling.pause import spread
from nurture.domain.scheduling.planner import Calendar
from nurture.domain.scheduling.window import SendWindow
from tests.presence import at_least_one

CALENDAR = Calendar(SendWindow(time(8, 0), time(19, 0)), bank_holidays())
LONDON = "Europe/London"
moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
spans = st.timedeltas(timedelta(minutes=1), timedelta(days=30))


@given(st.integers(0, 200), moments, spans)
def test_people_get_moments_in_order_within_the_span(
    count: int, start: datetime, over: timedelta
) -> None:
    found = spread(count, start, over, CALENDAR, LONDON)
    assert len(found) == count
    assert found == sorted(found)
    assert all(start <= at < start + over for at in found)


@given(st.integers(2, 100), moments)
def test_moments_spread_over_more_than_a_week_fall_in_working_hours(
    count: int, start: datetime
) -> None:
    for at in at_least_one(spread(count, start, timedelta(days=14), CALENDAR, LONDON)):
        local = at.astimezone(ZoneInfo(LONDON))
        assert time(8) <= local.time() < time(19)
        assert local.weekday() < 5
        assert local.date() not in bank_holidays()


def test_the_gaps_between_moments_are_equal_all_day() -> None:
    start = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
    found = spread(22, start, timedelta(days=1, hours=11), CALENDAR, LONDON)
    assert {later - earlier for earlier, later in pairwise(found[:11])} == {timedelta(hours=1)}
    assert found[11] == datetime(2026, 3, 4, 8, 0, tzinfo=UTC)


def test_a_span_outside_working_hours_is_used_unchanged() -> None:
    saturday = datetime(2026, 3, 7, 10, 0, tzinfo=UTC)
    found = spread(2, saturday, timedelta(hours=2), CALENDAR, LONDON)
    assert found == [saturday, saturday + timedelta(hours=1)]
