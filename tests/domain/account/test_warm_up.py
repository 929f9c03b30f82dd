"""Warming up a new domain: a curve that ends, for broadcasts only, and an order that is fair."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.account.warm_up import (
    FIRST_DAY,
    LONGEST_DAYS,
    BroadcastRecipient,
    allowed_on,
    broadcast_order,
    broadcast_room,
    last_day,
    warm_up_at,
)
from nurture.domain.audience.engagement import EngagementLevel

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)

people = st.lists(
    st.builds(
        BroadcastRecipient,
        id=st.integers(1, 10_000),
        level=st.sampled_from(EngagementLevel),
        is_tracked=st.booleans(),
        signed_up_at=st.datetimes(datetime(2025, 1, 1), datetime(2026, 3, 1)),
    ),
    unique_by=lambda one: one.id,
    max_size=60,
)


def test_a_new_domain_begins_with_fifty_a_day_and_grows_by_two_fifths() -> None:
    assert [allowed_on(day) for day in range(1, 6)] == [50, 70, 98, 137, 192]


def test_warming_up_ends_when_the_account_itself_allows_no_more() -> None:
    assert last_day(1500) == 11
    assert allowed_on(11) < 1500 <= allowed_on(12)
    assert last_day(FIRST_DAY) == 0
    assert last_day(None) == LONGEST_DAYS


@given(st.integers(1, 100_000) | st.none(), st.timedeltas(-3 * DAY, 400 * DAY))
def test_warming_up_ends_without_anyone_ending_it(day_limit: int | None, later: timedelta) -> None:
    warming = warm_up_at(NOW, NOW + later, day_limit)
    if warming is None:
        assert later >= DAY * last_day(day_limit)
    else:
        assert 1 <= warming.day <= warming.last_day <= LONGEST_DAYS
        assert later < DAY * LONGEST_DAYS


def test_a_domain_that_is_not_new_holds_nothing_back() -> None:
    assert warm_up_at(None, NOW, 1500) is None
    assert broadcast_room(None, 4000, None) is None
    assert broadcast_room(None, 4000, 20) == 20


def test_a_day_of_warming_up_never_lets_more_leave_than_the_curve_and_the_account_allow() -> None:
    warming = warm_up_at(NOW, NOW + DAY, 1500)
    assert broadcast_room(warming, 0, None) == 70
    assert broadcast_room(warming, 60, 1000) == 10
    assert broadcast_room(warming, 60, 3) == 3
    assert broadcast_room(warming, 90, 1000) == 0


@given(people)
def test_everyone_gets_a_broadcast_once(everyone: list[BroadcastRecipient]) -> None:
    assert sorted(one.id for one in broadcast_order(everyone)) == sorted(p.id for p in everyone)


@given(people, st.randoms())
def test_the_order_does_not_depend_on_how_people_are_listed(
    everyone: list[BroadcastRecipient], chance: object
) -> None:
    shuffled = list(everyone)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert broadcast_order(shuffled) == broadcast_order(everyone)


@given(people)
def test_the_liveliest_come_first_and_among_equals_those_who_signed_up_last(
    everyone: list[BroadcastRecipient],
) -> None:
    order = [one for one in broadcast_order(everyone) if one.is_tracked]
    levels = list(EngagementLevel)
    ranks = [
        (levels.index(one.level), NOW.replace(tzinfo=None) - one.signed_up_at) for one in order
    ]
    assert ranks == sorted(ranks)


@given(people)
def test_people_without_tracking_are_mixed_in_evenly_by_the_date_of_signing_up(
    everyone: list[BroadcastRecipient],
) -> None:
    order = broadcast_order(everyone)
    untracked = [one.signed_up_at for one in order if not one.is_tracked]
    assert untracked == sorted(untracked, reverse=True)
    for length in range(len(order) + 1):
        found = sum(not one.is_tracked for one in order[:length])
        assert abs(found - length * len(untracked) / max(len(order), 1)) <= 1
