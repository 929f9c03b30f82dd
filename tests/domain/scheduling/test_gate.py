"""The gate decides last: each refusal, each postponement, and the frequency cap."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.gate import (
    UNTIL_RESUMED,
    Allowed,
    Caps,
    Frequency,
    NotForThem,
    Postponed,
    Refused,
    Standing,
    may_send,
)
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import StepKind
from nurture.domain.subscribers.consent import Consents, Purpose
from nurture.domain.subscribers.suppression import SuppressionReason
from tests.domain.playing import caps_of
from tests.presence import at_least_one

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WILLING = Consents(frozenset(Purpose))
SERIES = [StepKind.ARTICLE, StepKind.INVITATION]
REQUESTED = [StepKind.GUIDE, StepKind.REMINDER]


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.mark.parametrize("kind", StepKind)
def test_a_willing_subscriber_without_recent_emails_may_be_emailed(kind: StepKind) -> None:
    assert may_send(kind, Standing(WILLING), NOW) == Allowed()


@pytest.mark.parametrize(
    ("reason", "allowed"),
    [
        (SuppressionReason.UNSUBSCRIBED, True),
        (SuppressionReason.COMPLAINED, True),
        (SuppressionReason.BOUNCED, False),
        (SuppressionReason.ERASED, False),
    ],
)
def test_an_unsubscribed_person_still_gets_the_answer_they_request_on_their_page(
    reason: SuppressionReason, allowed: bool
) -> None:
    verdict = may_send(StepKind.ANSWER, Standing(Consents(), suppressed=reason), NOW)
    assert isinstance(verdict, Allowed) is allowed


@pytest.mark.parametrize("kind", sorted(set(StepKind) - {StepKind.ANSWER}))
@pytest.mark.parametrize("reason", SuppressionReason)
def test_a_suppressed_subscriber_gets_nothing(kind: StepKind, reason: SuppressionReason) -> None:
    verdict = may_send(kind, Standing(WILLING, suppressed=reason), NOW)
    assert isinstance(verdict, Refused)
    by_choice = reason is SuppressionReason.UNSUBSCRIBED
    expected = EnrolmentStatus.UNSUBSCRIBED if by_choice else EnrolmentStatus.SUPPRESSED
    assert verdict.reason is expected


@pytest.mark.parametrize(
    ("kinds", "needed"), [([StepKind.GUIDE], Purpose.GUIDE), (SERIES, Purpose.SERIES)]
)
def test_each_step_kind_needs_consent_to_its_own_purpose_only(
    kinds: list[StepKind], needed: Purpose
) -> None:
    only, all_others = frozenset({needed}), frozenset(Purpose) - {needed}
    for kind in at_least_one(kinds):
        assert may_send(kind, Standing(Consents(only)), NOW) == Allowed()
        refused = may_send(kind, Standing(Consents(all_others)), NOW)
        assert isinstance(refused, Refused)
        assert refused.reason is EnrolmentStatus.UNSUBSCRIBED
        assert refused.why == Reason(Code.NO_CONSENT_FOR, purpose=needed)


def test_people_who_no_longer_agree_to_the_guide_are_not_reminded_of_it_and_stay() -> None:
    verdict = may_send(StepKind.REMINDER, Standing(Consents(frozenset({Purpose.SERIES}))), NOW)
    assert verdict == NotForThem(Reason(Code.NO_CONSENT_FOR, purpose=Purpose.GUIDE))


def test_a_pause_postpones_everything_but_a_requested_guide() -> None:
    standing = Standing(WILLING, paused_until=NOW + hours(48))
    assert may_send(StepKind.GUIDE, standing, NOW) == Allowed()
    for kind in (*SERIES, StepKind.REMINDER):
        verdict = may_send(kind, standing, NOW)
        assert isinstance(verdict, Postponed)
        assert verdict.until == NOW + hours(48)
        assert may_send(kind, standing, verdict.until) == Allowed()


@pytest.mark.parametrize("paused_until", [None, NOW + hours(48)])
@pytest.mark.parametrize("mailed_at", [[], [NOW]])
def test_a_paused_sequence_waits_to_be_resumed_whatever_else_would_postpone_it(
    paused_until: datetime | None, mailed_at: list[datetime]
) -> None:
    standing = Standing(WILLING, paused_until=paused_until, mailed_at=mailed_at)
    assert may_send(StepKind.GUIDE, standing, NOW, sequence_paused=True) == Allowed()
    for kind in (*SERIES, StepKind.REMINDER):
        verdict = may_send(kind, standing, NOW, sequence_paused=True)
        assert verdict == Postponed(UNTIL_RESUMED, Reason(Code.SEQUENCE_PAUSED))


def test_a_paused_sequence_still_ends_for_people_who_have_unsubscribed() -> None:
    left = Standing(WILLING, suppressed=SuppressionReason.UNSUBSCRIBED)
    for kind in (*SERIES, *REQUESTED):
        assert isinstance(may_send(kind, left, NOW, sequence_paused=True), Refused)


@pytest.mark.parametrize(
    ("frequency", "ago", "allowed"),
    [
        (Frequency.USUAL, hours(22.9), False),
        (Frequency.USUAL, hours(23), True),
        (Frequency.FEWER, hours(7 * 24 - 1.1), False),
        (Frequency.FEWER, hours(7 * 24 - 1), True),
    ],
)
def test_the_next_email_waits_for_the_frequency_cap(
    frequency: Frequency, ago: timedelta, allowed: bool
) -> None:
    standing = Standing(WILLING, frequency=frequency, mailed_at=[NOW - ago])
    assert isinstance(may_send(StepKind.ARTICLE, standing, NOW), Allowed) is allowed


def test_a_requested_guide_ignores_the_frequency_cap() -> None:
    assert may_send(StepKind.GUIDE, Standing(WILLING, mailed_at=[NOW]), NOW) == Allowed()


@given(
    st.sampled_from(Frequency),
    caps_of,
    st.lists(st.integers(0, 14 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes))),
)
def test_a_postponement_ends_in_the_future_when_the_frequency_cap_allows(
    frequency: Frequency, caps: Caps, mailed_at: list[datetime]
) -> None:
    standing = Standing(WILLING, frequency=frequency, mailed_at=mailed_at)
    verdict = may_send(StepKind.ARTICLE, standing, NOW, caps)
    leaves_at = verdict.until if isinstance(verdict, Postponed) else NOW
    within = caps.of(frequency).within
    assert isinstance(verdict, Allowed) or verdict.until > NOW  # type: ignore[union-attr]
    assert may_send(StepKind.ARTICLE, standing, leaves_at, caps) == Allowed()
    assert all(leaves_at - at >= within for at in mailed_at)
