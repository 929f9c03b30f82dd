"""The forecast of a broadcast keeps what the account and the sending hours allow."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.account.limits import Limits, Sent
from nurture.domain.account.queue import Forecast
from nurture.domain.account.warm_up import allowed_on
from nurture.domain.broadcasts.departures import (
    LONGEST,
    AccountRoom,
    Departures,
    ZoneReaders,
    departures,
)
from nurture.domain.scheduling.window import SendWindow, next_open

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
LONDON, TOKYO = "Europe/London", "Asia/Tokyo"
HOURS, ALL_DAY = SendWindow(), SendWindow(time(0), time.max)
NO_DAYS_OFF = frozenset[date]()


def forecast(
    readers: list[ZoneReaders], room: AccountRoom, window: SendWindow = HOURS
) -> Departures:
    return departures(readers, room, window, NO_DAYS_OFF, ZoneInfo(LONDON), MONDAY)


_limits = st.builds(
    Limits,
    minute=st.one_of(st.none(), st.integers(2, 30)),
    hour=st.one_of(st.none(), st.integers(2, 200)),
    day=st.one_of(st.none(), st.integers(50, 1000)),
)


@given(limits=_limits, number=st.integers(1, 1500))
def test_it_is_as_good_as_a_forecast_email_by_email(limits: Limits, number: int) -> None:
    found = forecast([ZoneReaders(LONDON, MONDAY, number)], AccountRoom(limits), ALL_DAY)
    each = Forecast(limits, (), MONDAY)
    exact = max(each.send_one() for _ in range(number))
    assert found.first_at == MONDAY
    is_far = exact > MONDAY + LONGEST - timedelta(days=1)
    assert is_far or (found.last_at and abs(found.last_at - exact) <= timedelta(hours=1))
    assert is_far or sum(n for _, n in found.per_day) == number


@given(
    limits=_limits,
    numbers=st.lists(st.integers(0, 400), min_size=2, max_size=2),
    sent=st.lists(st.builds(Sent, st.just(MONDAY), st.integers(0, 300)), max_size=2),
    ahead=st.integers(0, 300),
)
def test_nothing_leaves_twice_or_outside_the_hours(
    limits: Limits, numbers: list[int], sent: list[Sent], ahead: int
) -> None:
    zones = (LONDON, TOKYO)
    readers = [ZoneReaders(z, MONDAY, n) for z, n in zip(zones, numbers, strict=True)]
    found = forecast(readers, AccountRoom(limits, tuple(sent), ahead))
    left = sum(number for _, number in found.per_day)
    assert left <= sum(numbers)
    assert found.last_at is None or left == sum(numbers)
    opens = [next_open(MONDAY, HOURS, one.time_zone, NO_DAYS_OFF) for one in readers if one.number]
    assert found.first_at is None or found.first_at >= min(opens)


def test_each_zone_gets_it_in_its_own_hours() -> None:
    # At nine in London it is evening in Tokyo, where it waits for eight the next morning.
    readers = [ZoneReaders(LONDON, MONDAY, 5), ZoneReaders(TOKYO, MONDAY + timedelta(hours=2), 7)]
    found = forecast(readers, AccountRoom(Limits()))
    assert (found.first_at, found.last_at) == (MONDAY, MONDAY + timedelta(hours=14))
    assert found.per_day == ((date(2026, 11, 23), 12),)


def test_what_waits_for_the_account_already_goes_first() -> None:
    readers = [ZoneReaders(LONDON, MONDAY, 10)]
    free = forecast(readers, AccountRoom(Limits(hour=20)))
    behind = forecast(readers, AccountRoom(Limits(hour=20), ahead=10))
    assert (free.last_at, behind.last_at) == (MONDAY, MONDAY + timedelta(hours=1))


def test_a_new_domain_lets_more_leave_every_day() -> None:
    readers = [ZoneReaders(LONDON, MONDAY, 400)]
    found = forecast(readers, AccountRoom(Limits(), warming_since=MONDAY, warmed=20))
    numbers = [number for _, number in found.per_day]
    assert numbers[:2] == [allowed_on(1) - 20, allowed_on(2)]
    assert sum(numbers) == 400
    assert found.days == len(numbers)


def test_a_million_people_at_four_hundred_an_hour_take_too_long_to_say() -> None:
    found = forecast([ZoneReaders(LONDON, MONDAY, 1_000_000)], AccountRoom(Limits(hour=400)))
    assert (found.first_at, found.last_at) == (MONDAY, None)
    assert found.on_first_day == 380 * 10


def test_nobody_is_told_of_a_broadcast_for_nobody() -> None:
    assert forecast([], AccountRoom(Limits())) == Departures()
