"""A step is sent to the people who agreed to its stream; the series goes on for the others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.reasons import Code
from nurture.domain.scheduling.decision import End, SendNow, decide
from nurture.domain.scheduling.gate import Standing
from nurture.domain.sequences.enrolment import EndReason, Progress
from nurture.domain.sequences.sequence import Sequence, Step, StepKind
from nurture.domain.subscribers.bookings import NOT_CANCELLED
from nurture.domain.subscribers.consent import Purpose, Scope, consents_of
from tests.domain.playing import CALENDAR, GUIDE, sequence_of

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
PROGRESS = Progress(
    MONDAY - timedelta(days=9),
    MONDAY - timedelta(days=9),
    passed=frozenset({GUIDE.email}),
    collected_at=MONDAY - timedelta(days=9),
    guide_wanted=False,
)
NEWS = Step("news", stream=Purpose.NEWS)
INVITATION = Step("come-and-see-us", StepKind.INVITATION)
LAST = Step("last")
OWN_SERIES, ANOTHER = Scope(Purpose.SERIES, "form"), Scope(Purpose.SERIES, "another")


def decided(sequence: Sequence, standing: Standing, covered_by: str = "") -> SendNow | End:
    """What is done now about somebody who has had the guide for long."""
    progress = replace(PROGRESS, covered_by=covered_by)
    found = decide(replace(sequence, goal=""), progress, standing, MONDAY, CALENDAR)
    assert isinstance(found, SendNow | End)
    return found


def standing(*scopes: Scope, **more: object) -> Standing:
    return replace(Standing(consents_of(scopes)), **more)  # type: ignore[arg-type]


def test_a_step_of_another_stream_is_passed_over_by_people_who_did_not_agree_to_it() -> None:
    found = decided(sequence_of(GUIDE, NEWS, LAST), standing(OWN_SERIES))
    assert isinstance(found, SendNow)
    assert found.step == LAST
    [skipped] = found.skipped
    assert (skipped.step, skipped.why.code) == (NEWS, Code.NO_CONSENT_FOR)
    assert skipped.why.purpose == Purpose.NEWS


def test_a_step_of_another_stream_goes_to_people_who_agreed_to_it() -> None:
    found = decided(sequence_of(GUIDE, NEWS), standing(OWN_SERIES, Scope(Purpose.NEWS)))
    assert isinstance(found, SendNow)
    assert found.step == NEWS


def test_the_series_of_another_form_does_not_cover_this_one() -> None:
    found = decided(sequence_of(GUIDE, LAST), standing(ANOTHER))
    assert isinstance(found, End)
    assert found.because is EndReason.NO_CONSENT


@pytest.mark.parametrize(("covered_by", "is_sent"), [("form", True), ("another", False)])
def test_a_sequence_without_a_form_is_covered_by_the_wording_of_the_one_before(
    covered_by: str, is_sent: bool
) -> None:
    handed_over_to = replace(sequence_of(LAST), form=None)
    found = decided(handed_over_to, standing(OWN_SERIES), covered_by)
    assert isinstance(found, SendNow) is is_sent


@pytest.mark.parametrize(
    "more", [{"is_client": True}, {"booked_until": NOT_CANCELLED}], ids=["client", "booked"]
)
def test_an_invitation_is_passed_over_by_people_who_do_it_already(more: dict[str, object]) -> None:
    found = decided(sequence_of(GUIDE, INVITATION, LAST), standing(OWN_SERIES, **more))
    assert isinstance(found, SendNow)
    assert (found.step, [one.step for one in found.skipped]) == (LAST, [INVITATION])


def test_a_client_who_agreed_to_nothing_gets_the_news_and_no_article() -> None:
    client = standing(may_as_client=True)
    news = decided(replace(sequence_of(NEWS), form=None), client)
    article = decided(replace(sequence_of(LAST), form=None), client)
    assert isinstance(news, SendNow)
    assert isinstance(article, End)


@given(st.sets(st.sampled_from([OWN_SERIES, Scope(Purpose.NEWS)])), st.booleans(), st.booleans())
def test_people_of_whom_nothing_is_known_or_confirmed_are_sent_nothing(
    scopes: set[Scope], is_unknown: bool, may_as_client: bool
) -> None:
    person = standing(
        *scopes, is_unknown=is_unknown, is_confirmed=is_unknown, may_as_client=may_as_client
    )
    found = decided(sequence_of(GUIDE, NEWS, INVITATION, LAST), person)
    assert isinstance(found, End)
