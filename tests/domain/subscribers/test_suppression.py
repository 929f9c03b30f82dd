"""Suppressions: each reason is independent, the strongest is named, and a bounce may be retried."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.scheduling.gate import Allowed, Refused, Standing, may_send
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import Quiet, Request, StepKind
from nurture.domain.subscribers.consent import Consents, Purpose
from nurture.domain.subscribers.suppression import (
    ASKS_AGAIN_AFTER,
    Suppression,
    SuppressionReason,
    ending_by,
    ending_once,
    goes_on,
    guide_on_trial,
    may_ask_again,
    strongest,
)
from tests.domain.playing import GUIDE, sequence_of

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BOUNCED = SuppressionReason.BOUNCED
ORDER = ["erased", "complained", "bounced", "unsubscribed"]
reasons = st.lists(st.sampled_from(SuppressionReason))


@given(reasons)
def test_the_strongest_suppression_is_named_whatever_their_order(
    told: list[SuppressionReason],
) -> None:
    found = strongest(told)
    assert found == min((str(one) for one in told), key=ORDER.index, default=None)
    assert found == strongest(reversed(told))


@given(reasons, st.timedeltas(timedelta(0), timedelta(days=30)))
def test_only_a_lone_bounce_older_than_a_week_may_be_retried(
    told: list[SuppressionReason], age: timedelta
) -> None:
    standing = [Suppression(reason, NOW - age) for reason in set(told)]
    wanted = set(told) == {BOUNCED} and age >= ASKS_AGAIN_AFTER
    assert may_ask_again(standing, NOW) is wanted


def test_a_person_who_asked_recently_waits_another_week() -> None:
    bounce = Suppression(BOUNCED, NOW - timedelta(days=30), "", NOW - timedelta(days=2), 7)
    assert not may_ask_again([bounce], NOW)
    assert may_ask_again([bounce], NOW + timedelta(days=5))


def test_a_trial_ends_at_the_next_bounce_or_any_other_suppression() -> None:
    bounce = Suppression(BOUNCED, NOW - timedelta(days=9), "", NOW, 7)
    assert guide_on_trial([bounce]) == 7
    bounced_again = Suppression(BOUNCED, NOW + timedelta(hours=1), "", NOW, 7)
    assert guide_on_trial([bounced_again]) is None
    unsubscribed = Suppression(SuppressionReason.UNSUBSCRIBED, NOW)
    assert guide_on_trial([bounce, unsubscribed]) is None


@pytest.mark.parametrize("kind", [kind for kind in StepKind if kind is not StepKind.ANSWER])
@pytest.mark.parametrize("reason", SuppressionReason)
def test_the_gate_allows_only_the_trial_guide_to_a_bouncing_address(
    kind: StepKind, reason: SuppressionReason
) -> None:
    willing = Consents(frozenset(Purpose))
    standing = Standing(willing, suppressed=reason, bounces=reason is BOUNCED, guide_on_trial=True)
    allowed = isinstance(may_send(kind, standing, NOW), Allowed)
    assert allowed is (reason is BOUNCED and kind is StepKind.GUIDE)


def test_no_answer_is_sent_to_an_address_that_bounces_and_complained() -> None:
    complained = Standing(Consents(), SuppressionReason.COMPLAINED, bounces=True)
    assert not isinstance(may_send(StepKind.ANSWER, complained, NOW), Allowed)


endings = st.builds(
    Ending, st.sampled_from(EnrolmentStatus), st.none() | st.sampled_from(EndReason)
)


@given(endings, st.lists(st.sampled_from(SuppressionReason), min_size=1), st.randoms())
def test_an_enrolment_ends_alike_in_whatever_order_the_reasons_are_told(
    before: Ending, told: list[SuppressionReason], chance: random.Random
) -> None:
    def ended(order: list[SuppressionReason]) -> Ending:
        ending, known = before, set[SuppressionReason]()
        for reason in order:
            known.add(reason)
            ending = ending_once(ending, strongest(known) or reason)
        return ending

    shuffled = chance.sample(told, len(told))
    assert ended(told) == ended(shuffled)
    of_its_own = before.status is not EnrolmentStatus.ACTIVE and not before.is_left
    expected = before if of_its_own else ending_by(strongest(told) or told[0])
    assert ended(told) == expected


@given(st.sampled_from(SuppressionReason))
def test_the_gate_refuses_with_the_ending_that_a_suppression_brings(
    reason: SuppressionReason,
) -> None:
    standing = Standing(Consents(frozenset(Purpose)), reason)
    refused = may_send(StepKind.ARTICLE, standing, NOW)
    assert isinstance(refused, Refused)
    assert Ending(refused.reason, refused.because) == ending_by(reason)


@given(endings)
def test_only_a_series_that_a_suppression_ended_goes_on_by_itself(before: Ending) -> None:
    series = sequence_of(GUIDE)
    suppressed = before.status is EnrolmentStatus.SUPPRESSED
    assert goes_on(before, series) is goes_on(before, None) is suppressed
    for other in (
        replace(series, answers=Request.DATA),
        replace(series, quiet=Quiet(timedelta(days=180), timedelta(days=14))),
    ):
        assert not goes_on(before, other)
