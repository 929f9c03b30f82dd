"""The account's limits as properties: no plan exceeds them, nor waits longer than it must."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture.domain.account.limits import (
    NO_LIMITS,
    Limits,
    Sent,
    Window,
    allowance,
    reserve,
)
from nurture.domain.account.queue import Forecast
from nurture.domain.scheduling.allowance import may_send_more
from nurture.domain.scheduling.gate import Allowed
from nurture.domain.sequences.sequence import ANSWERS, StepKind

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
MOST = 1_000_000_000

numbers = st.integers(1, MOST)
perhaps = st.none() | numbers
all_limits = st.builds(Limits, perhaps, perhaps, perhaps, perhaps)
small = st.none() | st.integers(1, 7)
small_limits = st.builds(Limits, small, small, small)
used = st.fixed_dictionaries({window: st.integers(0, 2 * MOST) for window in Window})


@st.composite
def histories(draw: st.DrawFn, most: int = 6) -> list[Sent]:
    """Return what was sent in the last day, oldest first."""
    back = sorted(draw(st.lists(st.integers(0, 1500), max_size=most)), reverse=True)
    return [Sent(NOW - timedelta(minutes=one), draw(st.integers(0, 4))) for one in back]


# --- Reserve and allowance -----------------------------------------------------------------------


@given(numbers)
def test_the_reserve_is_a_twentieth_at_least_ten_and_never_more_than_half(limit: int) -> None:
    kept = reserve(limit)
    assert 0 <= kept <= limit / 2
    assert kept >= min(limit / 20, limit // 2)
    assert kept >= 10 or limit < 20
    assert kept < limit / 20 + 1 or kept <= 10


@pytest.mark.parametrize(
    ("limit", "kept"),
    [(1, 0), (2, 1), (3, 1), (20, 10), (150, 10), (200, 10), (201, 11), (400, 20), (1500, 75)],
)
def test_the_reserve_of_common_limits(limit: int, kept: int) -> None:
    assert reserve(limit) == kept


@given(st.integers(1, MOST - 1))
def test_a_higher_limit_leaves_no_less_to_either_kind(limit: int) -> None:
    assert reserve(limit) <= reserve(limit + 1)
    assert limit - reserve(limit) <= limit + 1 - reserve(limit + 1)


@given(all_limits, used)
def test_no_window_is_ever_allowed_more_than_its_limit(
    limits: Limits, used: dict[Window, int]
) -> None:
    left = allowance(limits, used)
    room = [limit - used[window] for window, limit in limits.by_window.items()]
    if not room:
        assert left.left is None and left.left_for_answers is None
        return
    assert left.left_for_answers == max(0, min(room))
    assert left.left is not None and 0 <= left.left <= left.left_for_answers


@given(all_limits.filter(lambda limits: not limits.is_unlimited), used)
def test_a_series_leaves_the_whole_reserve_of_every_window(
    limits: Limits, used: dict[Window, int]
) -> None:
    left = allowance(limits, used).left
    assert left is not None
    assert left == 0 or all(
        used[window] + left <= limit - reserve(limit) for window, limit in limits.by_window.items()
    )


@given(all_limits.filter(lambda limits: not limits.is_unlimited))
def test_an_account_that_has_sent_nothing_may_send_something(limits: Limits) -> None:
    nothing = dict.fromkeys(Window, 0)
    assert all(
        isinstance(may_send_more(kind, allowance(limits, nothing), NOW), Allowed)
        for kind in StepKind
    )


@given(small_limits, st.lists(st.sampled_from(StepKind), max_size=20))
def test_emails_of_any_kinds_together_never_exceed_the_limit(
    limits: Limits, kinds: list[StepKind]
) -> None:
    left = allowance(limits, dict.fromkeys(Window, 0))
    sent: list[StepKind] = []
    for kind in kinds:
        if isinstance(may_send_more(kind, left, NOW), Allowed):
            sent.append(kind)
            left = left.after_one()
    series = [kind for kind in sent if kind not in ANSWERS]
    each = limits.by_window.values()
    assert all(len(sent) <= limit for limit in each)
    assert all(len(series) <= limit - reserve(limit) for limit in each)


def test_connections_alone_limit_no_number_of_emails() -> None:
    assert allowance(Limits(connections=1), {}).left is None
    assert NO_LIMITS.is_unlimited and not NO_LIMITS.by_window


# --- The forecast --------------------------------------------------------------------------------


def moments_of(history: Sequence[Sent]) -> list[datetime]:
    """Return the moment of each email."""
    return [one.at for one in history for _ in range(one.number)]


def fits(limits: Limits, moments: Sequence[datetime], at: datetime) -> bool:
    """Return whether one more email of a series may leave then, by counting."""
    return all(
        sum(at - window.length < moment <= at for moment in moments) < limit - reserve(limit)
        for window, limit in limits.by_window.items()
    )


def first_fit(limits: Limits, moments: Sequence[datetime], start: datetime) -> datetime:
    """Return the first moment from `start` on at which one more fits: now, or when one ends."""
    ends = [moment + window.length for moment in moments for window in limits.by_window]
    candidates = sorted(at for at in [start, *ends] if at >= start)
    return next(at for at in candidates if fits(limits, moments, at))


@given(small_limits, histories(), st.integers(1, 12))
def test_a_forecast_is_the_same_as_counting_by_hand(
    limits: Limits, history: list[Sent], more: int
) -> None:
    forecast, moments = Forecast(limits, history, NOW), moments_of(history)
    for _ in range(more):
        at = first_fit(limits, moments, max([NOW, *moments]))
        assert forecast.next_at() == at
        assert forecast.send_one() == at
        moments.append(at)


@given(small_limits, histories(), st.lists(st.integers(-60, 3000), min_size=1, max_size=12))
def test_nothing_leaves_before_it_may_whatever_the_wish(
    limits: Limits, history: list[Sent], wishes: list[int]
) -> None:
    forecast, moments = Forecast(limits, history, NOW), moments_of(history)
    each = [NOW + timedelta(minutes=wish) for wish in wishes]
    planned = [forecast.send_one(earliest) for earliest in each]
    assert all(at >= max(NOW, earliest) for at, earliest in zip(planned, each, strict=True))
    assert all(fits(limits, [*moments, *planned[:n]], at) for n, at in enumerate(planned))


@given(histories(), st.integers(-60, 60))
def test_without_limits_everything_leaves_at_once(history: list[Sent], wish: int) -> None:
    earliest = NOW + timedelta(minutes=wish)
    forecast = Forecast(NO_LIMITS, history, NOW)
    assert [forecast.send_one(earliest) for _ in range(3)] == [max(NOW, earliest)] * 3


@given(small_limits, histories(), st.integers(1, 90))
@example(Limits(minute=2), [Sent(NOW, 1)], 1)
def test_what_a_clock_ahead_has_recorded_is_no_reason_to_send_too_much(
    limits: Limits, history: list[Sent], ahead: int
) -> None:
    """An outcome may be dated a little later than what is in hand, which counts as now."""
    dated = [Sent(NOW + timedelta(seconds=ahead), 1), Sent(NOW, 1)]
    forecast, moments = Forecast(limits, [*history, *dated], NOW), moments_of([*history, *dated])
    for _ in range(4):
        at = forecast.send_one()
        assert fits(limits, moments, at)
        moments.append(at)
