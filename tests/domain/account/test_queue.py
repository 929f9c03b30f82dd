"""The queue for an account: what is promised to leave can leave, and what waits goes first."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.account.limits import Limits, Sent, Window, reserve
from nurture.domain.account.queue import (
    AccountLoad,
    AccountQueue,
    carry_over,
    in_order,
    room_in,
    room_left,
)
from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.allowance import UNLIMITED

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
A_HUNDRED = Limits(day=100)


def queue(*looks: Sent, sent: int = 0, limits: Limits = A_HUNDRED) -> AccountQueue:
    """Return the queue of an account that has just sent this many."""
    return AccountQueue(AccountLoad(limits, (Sent(NOW, sent),), looks, NOW))


def test_whoever_is_due_while_something_is_left_need_not_wait() -> None:
    assert queue(Sent(NOW, 90), sent=0).allowance_at(NOW) == UNLIMITED
    assert queue(Sent(NOW, 91), sent=0).allowance_at(NOW).renewed_at == NOW + DAY


def test_someone_whose_email_does_not_fit_into_today_waits_until_tomorrow() -> None:
    allowance = queue(sent=90).allowance_at(NOW + timedelta(hours=1))
    assert (allowance.left, allowance.renewed_at) == (0, NOW + DAY)
    assert allowance.why == Reason(Code.DAY_USED_UP, limit="100")


def test_a_guide_is_never_expected_to_wait_for_the_limit() -> None:
    assert queue(sent=90).allowance_at(NOW).left_for_answers == 1


def test_those_who_were_due_before_go_first() -> None:
    waiting = queue(Sent(NOW - DAY, 250), Sent(NOW + DAY, 1), sent=0)
    assert waiting.allowance_at(NOW + timedelta(hours=1)).renewed_at == NOW + 2 * DAY


def test_a_held_account_is_tried_when_its_hold_is_over() -> None:
    later = NOW + timedelta(hours=4)
    held = AccountQueue(AccountLoad(Limits(), (), (), NOW, later))
    assert held.allowance_at(NOW).renewed_at == later
    assert held.allowance_at(NOW).why == Reason(Code.ACCOUNT_HELD)
    assert held.allowance_at(later) == UNLIMITED


def test_the_shortest_window_that_is_used_up_is_named() -> None:
    both = Limits(minute=30, day=1000)
    allowance = queue(sent=20, limits=both).allowance_at(NOW)
    assert allowance.renewed_at == NOW + timedelta(minutes=1)
    assert allowance.why == Reason(Code.MINUTE_USED_UP, limit="30")


plans = st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 500)), max_size=7)
rooms = st.integers(0, 300) | st.none()


@given(st.data(), plans)
def test_a_week_sends_everything_in_order_and_no_day_more_than_it_can(
    data: st.DataObject, days: list[dict[str, int]]
) -> None:
    most = data.draw(st.lists(rooms, min_size=len(days), max_size=len(days)))
    told = carry_over(days, most)
    due, gone, right = Counter[str](), Counter[str](), []
    for planned, room, (leaves, waits) in zip(days, most, told, strict=True):
        due.update(planned)
        gone.update(leaves)
        number = sum(leaves.values())
        right.append(room is None or number <= room)
        right.append(waits == due.total() - gone.total())
        right.append(not waits or number == room)
        right.append(all(gone[key] <= due[key] for key in "abc"))
    assert all(right)


@given(st.integers(1, 5000), st.integers(0, 5000), st.integers(0, 24))
def test_what_is_left_today_and_the_room_of_later_days_never_exceed_the_limit(
    limit: int, used: int, hours: int
) -> None:
    limits = Limits(day=limit)
    left = room_left(limits, {Window.DAY: used}, timedelta(hours=hours) - timedelta(seconds=1))
    assert left == max(0, limit - reserve(limit) - used)
    for length in (DAY, DAY - timedelta(hours=1), DAY + timedelta(hours=1)):
        assert room_in(limits, length) == limit - reserve(limit)
    assert room_in(Limits(), DAY) is None


@given(st.integers(0, 90 * 24 * 60), st.integers(0, 90 * 24 * 60))
def test_what_is_put_off_to_the_same_hour_keeps_its_order(first: int, second: int) -> None:
    older, newer = sorted((first, second), reverse=True)
    older_at, newer_at = (NOW - timedelta(minutes=minutes) for minutes in (older, newer))
    assert NOW <= in_order(NOW, older_at) <= in_order(NOW, newer_at) < NOW + timedelta(seconds=1)
    far_apart = older - newer > 1 and newer < 60 * 24 * 60 - 2
    assert not far_apart or in_order(NOW, older_at) < in_order(NOW, newer_at)
