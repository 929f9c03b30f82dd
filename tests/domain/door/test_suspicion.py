"""Which signups from our own page wait."""

from datetime import timedelta

import pytest

from nurture.domain.door.waiting import SOONEST_BY_HAND, WhyWaiting, suspect, why_in_flood


@pytest.mark.parametrize(
    ("trapped", "filled_in", "why"),
    [
        (True, None, WhyWaiting.ROBOT),
        (True, timedelta(0), WhyWaiting.ROBOT),
        (False, timedelta(0), WhyWaiting.HURRIED),
        (False, timedelta(seconds=-1), WhyWaiting.HURRIED),
        (False, SOONEST_BY_HAND, None),
        (False, timedelta(days=3), None),
        (False, None, None),
    ],
)
def test_only_what_no_person_does_is_suspected(
    trapped: bool, filled_in: timedelta | None, why: WhyWaiting | None
) -> None:
    assert suspect(trapped=trapped, filled_in=filled_in) is why


@pytest.mark.parametrize(
    ("solved", "why"),
    [(None, WhyWaiting.FLOOD), (False, WhyWaiting.UNPROVEN), (True, None)],
)
def test_in_a_flood_only_a_solved_challenge_goes_first(
    solved: bool | None, why: WhyWaiting | None
) -> None:
    assert why_in_flood(solved) is why
