"""A slip in a common domain is hinted at, and no real domain is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.imports.typos import COMMON, REAL, distance, likely_address


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gnail.com", "gmail.com"),
        ("hotmial.co.uk", "hotmail.co.uk"),
        ("hotmail.cm", "hotmail.com"),
        ("outlok.com", "outlook.com"),
        ("yaho.co.uk", "yahoo.co.uk"),
        ("icould.com", "icloud.com"),
        ("btintenet.com", "btinternet.com"),
        ("GMIAL.com", "gmail.com"),
    ],
)
def test_a_slip_is_noticed(typed: str, meant: str) -> None:
    assert likely_address(f"Ann@{typed}") == f"Ann@{meant}"


@pytest.mark.parametrize("domain", sorted(COMMON | REAL))
def test_no_real_domain_is_taken_for_a_slip(domain: str) -> None:
    assert likely_address(f"ann@{domain}") is None


@pytest.mark.parametrize(
    "address", ["ann@human-movement.com", "ann@example.org", "ann", "", "a@nhs.net"]
)
def test_other_domains_are_left_alone(address: str) -> None:
    assert likely_address(address) is None


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_the_distance_is_one_both_ways_and_nought_only_for_the_same(one: str, other: str) -> None:
    assert distance(one, other) == distance(other, one)
    assert (distance(one, other) == 0) is (one == other)
    assert abs(len(one) - len(other)) <= distance(one, other) <= max(len(one), len(other))


def test_two_neighbours_that_changed_places_are_one_slip() -> None:
    assert distance("gmial", "gmail") == 1
