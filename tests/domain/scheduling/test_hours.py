"""Hours, caps and holidays follow the owner's settings, but never close a practice for good."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.bank_holidays import bank_holidays
from nurture.domain.scheduling.hours import (
    MOST_CLOSED_DAYS,
    ClosedDays,
    DaysOff,
    Nation,
    parse_closed_days,
)
from nurture.domain.scheduling.window import SendWindow, next_open
from nurture.domain.sequences.sequence import SendDays
from tests.domain.playing import closed_days, moments, zones


@given(closed_days)
def test_closed_days_read_back_as_written(days: ClosedDays) -> None:
    assert parse_closed_days(str(days)) == days
    assert days.first in days
    assert days.last in days
    assert days.last + timedelta(days=1) not in days


@pytest.mark.parametrize("said", ["", "Christmas", "2026-02-30", "2027-01-02 to 2026-12-28"])
def test_an_invalid_closed_day_is_refused_with_a_reason(said: str) -> None:
    with pytest.raises(ValueError, match=r"no day|before it begins"):
        parse_closed_days(said)


@given(moments, st.integers(0, 6), zones)
def test_every_weekday_is_open_again_however_many_closed_days_are_set(
    earliest: datetime, weekday: int, zone: str
) -> None:
    first = earliest.date() - timedelta(days=(earliest.weekday() - weekday) % 7)
    every_one = [first + timedelta(weeks=n) for n in range(MOST_CLOSED_DAYS)]
    closed = tuple(ClosedDays(day, day) for day in every_one)
    window = SendWindow(on=SendDays(frozenset({weekday}), holidays=False))
    assert next_open(earliest, window, zone, DaysOff(bank_holidays(), closed)) >= earliest


def test_each_nation_has_its_own_bank_holidays() -> None:
    st_andrews, boxing_day = date(2026, 11, 30), date(2026, 12, 28)
    assert st_andrews in bank_holidays(Nation.SCOTLAND)
    assert st_andrews not in bank_holidays(Nation.ENGLAND)
    assert boxing_day in bank_holidays(Nation.WALES)
    assert boxing_day not in bank_holidays(Nation.NONE)
