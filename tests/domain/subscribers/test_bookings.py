"""Bookings: the order of events counts, not the order in which they are reported."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.audience.facts import Happened
from nurture.domain.subscribers.bookings import NOT_CANCELLED, booked_until, is_booked
from nurture.domain.tracking.events import EventKind

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
B, C, M = EventKind.BOOKED, EventKind.CANCELLED, EventKind.RESCHEDULED


def told(*kinds: EventKind) -> list[Happened]:
    """Return events one hour apart."""
    return [Happened(kind, START + timedelta(hours=n)) for n, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("kinds", "booked"),
    [
        ((), False),
        ((B,), True),
        ((M,), True),
        ((C,), False),
        ((B, C), False),
        ((B, C, B), True),
        ((C, B), True),
        ((B, B, C), True),
        ((B, B, C, C), False),
        ((B, M), True),
        ((B, M, C), False),
        ((B, M, M, C), False),
        ((B, B, M, C), True),
    ],
)
def test_a_person_with_an_uncancelled_appointment_is_booked(
    kinds: tuple[EventKind, ...], booked: bool
) -> None:
    assert is_booked(booked_until(told(*kinds))) is booked


def test_a_booking_ends_at_the_last_cancellation() -> None:
    assert booked_until(told(B, C)) == START + timedelta(hours=1)
    assert booked_until(told(B, C, C)) == START + timedelta(hours=1)
    assert booked_until(told(B)) == NOT_CANCELLED
    assert booked_until(told(C)) is None


def test_events_other_than_bookings_do_not_affect_the_booking() -> None:
    assert booked_until(told(EventKind.CLICKED, EventKind.STAYED)) is None


def test_a_booking_cancelled_in_the_same_second_is_cancelled() -> None:
    both = [Happened(C, START), Happened(B, START)]
    assert booked_until(both) == booked_until(both[::-1]) == START


happenings = st.lists(
    st.builds(
        lambda kind, hours: Happened(kind, START + timedelta(hours=hours)),
        st.sampled_from((B, C, M)),
        st.integers(0, 6),
    ),
    max_size=7,
)


@given(happenings, st.randoms())
def test_the_order_in_which_bookings_are_reported_makes_no_difference(
    happened: list[Happened], random: object
) -> None:
    shuffled = list(happened)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert booked_until(shuffled) == booked_until(happened)
