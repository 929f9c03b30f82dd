"""Windows are interpreted in the subscriber's local time, on days that exist and are allowed."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture.bank_holidays import bank_holidays
from nurture.domain.scheduling.window import (
    SendWindow,
    after_wait,
    is_open,
    next_open,
    next_opening,
    window_of,
)
from nurture.domain.sequences.sequence import EVERY_DAY, WORKING_DAYS, SendDays, Step, Wait
from tests.domain.playing import moments, send_days, times_of_day, waits, zones

LONDON = "Europe/London"
OFFICE_HOURS = SendWindow(time(8, 0), time(19, 0), WORKING_DAYS)


def in_london(written: str) -> datetime:
    local = datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(LONDON))
    return local.astimezone(UTC)


@pytest.mark.parametrize(
    ("earliest", "opens"),
    [
        ("2026-03-02 07:59", "2026-03-02 08:00"),
        ("2026-03-02 08:00", "2026-03-02 08:00"),
        ("2026-03-02 18:59", "2026-03-02 18:59"),
        ("2026-03-02 19:00", "2026-03-03 08:00"),
        ("2026-03-06 19:00", "2026-03-09 08:00"),  # over a weekend
        ("2026-04-02 19:00", "2026-04-07 08:00"),  # over Easter
        ("2026-12-24 19:00", "2026-12-29 08:00"),  # Boxing Day is kept on Monday
        ("2027-12-24 19:00", "2027-12-29 08:00"),  # both days are kept later
    ],
)
def test_office_hours_apply_on_working_days_only(earliest: str, opens: str) -> None:
    found = next_open(in_london(earliest), OFFICE_HOURS, LONDON, bank_holidays())
    assert found == in_london(opens)


@pytest.mark.parametrize(
    ("start", "over"),
    [
        ("2026-03-28 08:30", "2026-03-30 08:30"),  # 47 hours
        ("2026-10-24 08:30", "2026-10-26 08:30"),  # 49 hours
        ("2028-02-28 08:30", "2028-03-01 08:30"),
        ("2027-02-27 08:30", "2027-03-01 08:30"),
    ],
)
def test_a_wait_of_two_days_is_counted_on_the_wall_clock(start: str, over: str) -> None:
    assert after_wait(in_london(start), Wait(days=2), LONDON) == in_london(over)


def test_a_wait_of_thirty_six_hours_ignores_a_clock_change() -> None:
    start = in_london("2026-03-28 20:00")
    assert after_wait(start, Wait(elapsed=timedelta(hours=36)), LONDON) == in_london(
        "2026-03-30 09:00"
    )


@given(moments, waits, zones)
@example(datetime(2026, 10, 25, 1, tzinfo=UTC), Wait(), LONDON)
def test_a_wait_never_ends_before_its_start(start: datetime, wait: Wait, zone: str) -> None:
    assert after_wait(start, wait, zone) >= start


@given(moments, st.none() | times_of_day, send_days, zones)
def test_the_next_opening_is_open_and_not_before_the_requested_time(
    earliest: datetime, at: time | None, on: SendDays, zone: str
) -> None:
    window = window_of(Step("any", at=at, on=on), SendWindow())
    first = next_open(earliest, window, zone, bank_holidays())
    assert earliest <= first <= next_opening(earliest, window, zone, bank_holidays())
    assert is_open(first, window, zone, bank_holidays())


@given(moments, send_days, zones)
def test_the_next_opening_skips_no_open_moment(earliest: datetime, on: SendDays, zone: str) -> None:
    window, holidays = SendWindow(on=on), bank_holidays()
    first = next_open(earliest, window, zone, holidays)
    skipped = int((first - earliest) / timedelta(hours=1))
    between = [earliest + timedelta(hours=n) for n in range(skipped)]
    assert not [at for at in between if first > at and is_open(at, window, zone, holidays)]


def test_a_step_with_a_time_after_hours_may_use_the_rest_of_that_evening() -> None:
    window = window_of(Step("late", at=time(20, 0)), SendWindow())
    assert is_open(in_london("2026-03-02 22:00"), window, LONDON, bank_holidays())


def test_days_that_never_occur_raise_an_error_instead_of_an_endless_search() -> None:
    class EveryDay:
        def __contains__(self, day: date, /) -> bool:
            return True

    for search in (next_open, next_opening):
        with pytest.raises(ValueError, match="no day within three years"):
            search(in_london("2026-03-02 08:00"), OFFICE_HOURS, LONDON, EveryDay())


def test_bank_holidays_count_only_for_working_days() -> None:
    christmas = in_london("2026-12-25 10:00")
    assert is_open(christmas, SendWindow(on=EVERY_DAY), LONDON, bank_holidays())
    assert not is_open(christmas, OFFICE_HOURS, LONDON, bank_holidays())
