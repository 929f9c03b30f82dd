"""Waiting: nobody is refused, the first of a network never waits, and the line moves fairly."""

from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from nurture.domain.door.networks import NetworkChain, chain_of
from nurture.domain.door.waiting import (
    MOST_AT_ONCE,
    HourlyLimits,
    LastHour,
    WhyWaiting,
    is_flood,
    may_leave,
)

COUNTS = st.integers(0, 10_000)
LIMITS = st.builds(HourlyLimits, *[st.integers(1, 10_000)] * 5)


@given(COUNTS, COUNTS, COUNTS, LIMITS)
def test_the_first_signup_of_a_providers_network_is_never_part_of_a_flood(
    again: int, through_form: int, wides: int, limits: HourlyLimits
) -> None:
    taken = LastHour(0, 0, again, 0, through_form, from_wide=0, wides=wides)
    assert not is_flood(taken, limits, knows_visitor=True)


@given(st.builds(LastHour, *[COUNTS] * 7), LIMITS)
def test_the_first_of_a_neighbourhood_waits_only_after_hundreds_and_beyond_its_providers_share(
    taken: LastHour, limits: HourlyLimits
) -> None:
    taken = replace(taken, from_near=0, from_site=0)
    fair = taken.from_wide * max(1, taken.wides) < limits.firsts
    if not limits.many(taken) or fair:
        event("is taken")
    waits = is_flood(taken, limits, knows_visitor=True)
    assert not (waits and (not limits.many(taken) or fair))


@given(st.builds(LastHour, *[COUNTS] * 5), LIMITS, st.booleans())
def test_higher_counts_never_make_a_flood_into_none(
    taken: LastHour, limits: HourlyLimits, knows_visitor: bool
) -> None:
    more = LastHour(
        taken.from_near + 1,
        taken.from_site + 1,
        taken.again + 1,
        taken.from_client + 1,
        taken.through_form + 2,
    )
    before = is_flood(taken, limits, knows_visitor=knows_visitor)
    assert is_flood(more, limits, knows_visitor=knows_visitor) >= before


@given(st.integers(0, 10**7), st.integers(0, 3600))
def test_a_line_moves_at_its_pace_and_never_all_at_once(seconds: int, an_hour: int) -> None:
    many = may_leave(timedelta(seconds=seconds), an_hour)
    assert 0 <= many <= MOST_AT_ONCE
    assert many <= seconds * an_hour / 3600


def test_only_a_robot_needs_the_owner_to_leave() -> None:
    assert {why for why in WhyWaiting if not why.leaves_by_itself} == {WhyWaiting.ROBOT}


@pytest.mark.parametrize(
    ("client", "chain"),
    [
        ("203.0.113.9", ("203.0.113.9/32", "203.0.113.0/24", "203.0.0.0/16")),
        ("2001:db8:1:2::3", ("2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32")),
        ("::ffff:203.0.113.9", ("203.0.113.9/32", "203.0.113.0/24", "203.0.0.0/16")),
        ("fe80::1%eth0", ("fe80::/64", "fe80::/48", "fe80::/32")),
        ("", ("", "", "")),
        ("nonsense", ("", "", "")),
    ],
)
def test_an_address_has_a_connection_a_neighbourhood_and_a_provider(
    client: str, chain: tuple[str, str, str]
) -> None:
    assert chain_of(client) == NetworkChain(*chain)


@given(st.integers(0, 2**32 - 1) | st.integers(2**64, 2**128 - 1))
def test_every_address_has_networks(number: int) -> None:
    address = IPv4Address(number) if number < 2**32 else IPv6Address(number)
    assert all(chain_of(str(address)))
