"""Asking for a guide: the whole table, and nobody receives less than they asked for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus, Progress
from nurture.domain.subscribers.bookings import BOOKED, BOOKED_BEFORE
from nurture.domain.subscribers.guide_requests import Asking, ask_again, asking, begin, collect

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=60)
ACTIVE = Ending(EnrolmentStatus.ACTIVE)
FINISHED = Ending(EnrolmentStatus.COMPLETED, EndReason.COMPLETED)
LEFT = Ending(EnrolmentStatus.UNSUBSCRIBED, EndReason.SILENT)
DEAD = Ending(EnrolmentStatus.SUPPRESSED, EndReason.BOUNCED)
LET_GO = Ending(EnrolmentStatus.REMOVED, EndReason.NOT_COLLECTED)
TAKEN_OUT = Ending(EnrolmentStatus.REMOVED, EndReason.TAKEN_OUT)
SOMEHOW = Ending(EnrolmentStatus.REMOVED)

YES, NO = True, False
BEGINS, GOES_ON, TAKEN_UP, GUIDE_ONLY = Asking


@pytest.mark.parametrize(
    ("before", "collected", "not_booked"),
    [
        (None, NO, BEGINS),
        (ACTIVE, NO, GOES_ON),
        (ACTIVE, YES, GOES_ON),
        (FINISHED, NO, GUIDE_ONLY),
        (FINISHED, YES, GUIDE_ONLY),
        (BOOKED, NO, GUIDE_ONLY),
        (BOOKED, YES, GUIDE_ONLY),
        (BOOKED_BEFORE, NO, TAKEN_UP),
        (BOOKED_BEFORE, YES, TAKEN_UP),
        (LET_GO, NO, TAKEN_UP),
        (TAKEN_OUT, NO, GUIDE_ONLY),
        (TAKEN_OUT, YES, GUIDE_ONLY),
        (SOMEHOW, NO, TAKEN_UP),
        (SOMEHOW, YES, GUIDE_ONLY),
        (LEFT, NO, TAKEN_UP),
        (LEFT, YES, TAKEN_UP),
        (DEAD, NO, TAKEN_UP),
        (DEAD, YES, TAKEN_UP),
    ],
)
def test_the_effect_of_asking_depends_on_the_enrolment_and_the_booking(
    before: Ending | None, collected: bool, not_booked: Asking
) -> None:
    assert asking(before, collected=collected, booked=False) is not_booked
    assert asking(before, collected=collected, booked=True) is GUIDE_ONLY


becauses = st.none() | st.sampled_from(EndReason)
endings = st.builds(Ending, st.sampled_from(EnrolmentStatus), becauses)
progresses = st.builds(
    Progress,
    st.just(LONG_AGO),
    st.just(LONG_AGO),
    passed=st.frozensets(st.sampled_from(("guide", "a", "b"))),
    collected_at=st.none() | st.just(LONG_AGO),
    guide_wanted=st.booleans(),
    ends_as=st.none() | endings.filter(lambda one: one.status is not EnrolmentStatus.ACTIVE),
)


@given(endings, progresses, st.booleans())
def test_asking_again_offers_the_guide_and_forgets_nothing(
    ending: Ending, progress: Progress, booked: bool
) -> None:
    after = ask_again(ending, progress, NOW, booked=booked)
    assert after.guide_wanted
    assert after.passed == progress.passed
    assert after.collected_at == progress.collected_at
    assert after.anchor_at >= progress.anchor_at
    assert not booked or after.ends_as is not None


@given(endings, progresses, st.booleans())
def test_asking_twice_has_the_same_effect_as_asking_once(
    ending: Ending, progress: Progress, booked: bool
) -> None:
    once = ask_again(ending, progress, NOW, booked=booked)
    again = ask_again(ACTIVE, once, NOW, booked=booked)
    assert replace(again, ends_as=None) == replace(once, ends_as=None)
    assert (again.ends_as is None) is (once.ends_as is None) or not booked


def test_an_enrolment_begun_after_a_booking_gets_only_the_guide() -> None:
    assert begin(NOW, "UTC", booked=True).ends_as == BOOKED_BEFORE
    assert begin(NOW, "UTC", booked=False).ends_as is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ACTIVE, EnrolmentStatus.ACTIVE),
        (LET_GO, EnrolmentStatus.ACTIVE),
        (SOMEHOW, EnrolmentStatus.ACTIVE),
        (TAKEN_OUT, EnrolmentStatus.REMOVED),
        (BOOKED, EnrolmentStatus.GOAL_REACHED),
        (LEFT, EnrolmentStatus.UNSUBSCRIBED),
        (DEAD, EnrolmentStatus.SUPPRESSED),
    ],
)
def test_collecting_does_not_restart_an_enrolment_that_was_removed_booked_or_left(
    before: Ending, after: EnrolmentStatus
) -> None:
    status, progress = collect(before, Progress(LONG_AGO, LONG_AGO), NOW)
    assert status is after
    assert progress.collected_at == NOW
    assert not progress.guide_wanted
