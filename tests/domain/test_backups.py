"""Which backups are retained, and when one is due."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.backups import DAYS, MONTHS, WEEKS, is_due, kept, night_of

START = datetime(2026, 1, 1, 2, tzinfo=UTC)
moments = st.integers(0, 60 * 24 * 800).map(lambda minutes: START + timedelta(minutes=minutes))


@given(st.sets(moments, max_size=60))
def test_thinning_out_keeps_a_subset_that_includes_the_newest_backup(made: set[datetime]) -> None:
    left = kept(made)
    assert left <= made
    assert len(left) <= DAYS + WEEKS + MONTHS
    assert not made or max(made) in left


@given(st.sets(moments, max_size=60))
def test_thinning_out_twice_removes_nothing_more(made: set[datetime]) -> None:
    assert kept(kept(made)) == kept(made)


@given(st.integers(1, 800))
def test_nightly_backups_leave_seven_days_four_weeks_and_twelve_months(nights: int) -> None:
    every_night, left = [], set[datetime]()
    for night in range(nights):
        every_night.append(START + timedelta(days=night))
        left = kept(left | {every_night[-1]})
    assert left == kept(every_night)
    assert set(every_night[-DAYS:]) <= left
    assert len({at.isocalendar()[:2] for at in left}) >= min(
        WEEKS, len({at.isocalendar()[:2] for at in every_night})
    )
    assert len({(at.year, at.month) for at in left}) == min(
        MONTHS, len({(at.year, at.month) for at in every_night})
    )


def test_a_backup_is_due_each_night_and_an_hour_after_a_failure() -> None:
    night = night_of(START)
    assert night == START and night_of(START - timedelta(minutes=1)) == START - timedelta(days=1)
    assert is_due(night, None, None, False)
    assert not is_due(night + timedelta(hours=5), night, night, True)
    assert not is_due(night + timedelta(minutes=59), None, night, True)
    assert is_due(night + timedelta(minutes=60), None, night, True)
    assert not is_due(night + timedelta(hours=5), None, night, False)
    assert is_due(night + timedelta(hours=6), None, night, False)
    assert is_due(night + timedelta(days=1), night, night, True)
