"""Planner and gate together: nobody is flooded, and asking for a guide again delays nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.decision import End, Look, SendNow, decide, next_look, progress_after
from nurture.domain.scheduling.gate import Frequency, Standing
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import Late, OptIn, Step, StepKind, Wait
from nurture.domain.subscribers.consent import Consents, Purpose
from nurture.domain.subscribers.suppression import SuppressionReason
from tests.domain.playing import CALENDAR, GUIDE, WILLING, Play, newcomer, plays, sequence_of

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@given(
    plays(),
    st.sampled_from(Frequency),
    st.integers(0, 40 * 24),
    st.lists(st.integers(0, 60 * 24 * 60), max_size=20),
)
def test_a_week_of_downtime_never_breaks_the_frequency_cap(
    play: Play, frequency: Frequency, down_after: int, minutes: list[int]
) -> None:
    start = play.progress.enrolled_at
    down_at = start + timedelta(hours=down_after)
    play.away, play.frequency = (down_at, down_at + timedelta(days=7)), frequency
    play.extra_looks = [start + timedelta(minutes=minute) for minute in minutes]
    times = [sent.at for sent in play.run().sent if sent.step.kind is not StepKind.GUIDE]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert all(gap >= play.calendar.caps.of(frequency).within for gap in gaps)


@given(plays(), st.integers(0, 40 * 24))
def test_nothing_is_sent_during_downtime_and_everything_due_is_sent_afterwards(
    play: Play, down_after: int
) -> None:
    down_at = play.progress.enrolled_at + timedelta(hours=down_after)
    back_at = down_at + timedelta(days=7)
    play.away = (down_at, back_at)
    assert not [sent for sent in play.run().sent if down_at <= sent.at < back_at]
    assert play.ended


@given(plays(), st.integers(0, 40 * 24))
def test_a_guide_requested_again_is_sent_immediately_without_shifting_the_sequence(
    play: Play, hours: int
) -> None:
    asked_at = play.progress.enrolled_at + timedelta(hours=hours)
    undisturbed = Play(play.sequence, play.progress, play.collects_at, calendar=play.calendar).run()
    play.run(until=asked_at)
    if play.ended or asked_at == play.progress.enrolled_at:
        assert play.times == undisturbed.times[: len(play.times)]
        return
    again = decide(
        play.sequence,
        replace(play.progress, guide_wanted=True),
        Standing(WILLING),
        asked_at,
        CALENDAR,
    )
    assert isinstance(again, SendNow)
    assert again.step == GUIDE
    play.progress = progress_after(again, asked_at)
    resumed = replace(play, sent=list(play.sent))
    assert resumed.run().times == undisturbed.times


@given(plays())
def test_the_next_look_matches_what_a_new_decision_would_ask_for(play: Play) -> None:
    play.run(until=play.progress.enrolled_at + timedelta(days=5))
    now = play.sent[-1].at
    look_at = next_look(play.sequence, play.progress, now, play.calendar)
    decision = decide(play.sequence, play.progress, Standing(WILLING), now, play.calendar)
    if look_at > now:
        assert isinstance(decision, Look)
        assert decision.at == look_at
    else:
        assert not isinstance(decision, Look)


def test_skipped_steps_are_passed_in_the_same_decision() -> None:
    overdue = Step("overdue", late=Late.SKIP, max_late=timedelta(hours=1))
    sequence = sequence_of(GUIDE, overdue, Step("next"))
    here = newcomer(MONDAY).after("guide", MONDAY)
    offer = decide(sequence, here, Standing(WILLING), MONDAY + timedelta(hours=2), CALENDAR)
    assert isinstance(offer, SendNow)
    assert offer.step.email == "next"
    assert offer.progress.passed == {"guide", "overdue"}
    assert [(skip.step.email, skip.why) for skip in offer.skipped] == [
        ("overdue", Reason(Code.OVERDUE))
    ]


def test_a_postponed_email_is_looked_at_again_when_the_gate_allows_it() -> None:
    here = newcomer(MONDAY).after("guide", MONDAY)
    pause = MONDAY + timedelta(days=9)
    standing = Standing(WILLING, paused_until=pause)
    look = decide(sequence_of(GUIDE, Step("next")), here, standing, MONDAY, CALENDAR)
    waits = replace(here, excused_until=pause)
    assert look == Look(pause, Reason(Code.PAUSED_BY_PERSON), waits, Step("next"))


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Standing(WILLING, SuppressionReason.UNSUBSCRIBED), EnrolmentStatus.UNSUBSCRIBED),
        (Standing(WILLING, SuppressionReason.BOUNCED), EnrolmentStatus.SUPPRESSED),
        (Standing(Consents(frozenset({Purpose.GUIDE}))), EnrolmentStatus.UNSUBSCRIBED),
    ],
)
def test_a_refused_email_ends_the_enrolment(standing: Standing, reason: EnrolmentStatus) -> None:
    here = newcomer(MONDAY).after("guide", MONDAY)
    decision = decide(sequence_of(GUIDE, Step("next")), here, standing, MONDAY, CALENDAR)
    assert isinstance(decision, End)
    assert decision.reason is reason
    assert decision.why


def test_consent_is_checked_only_when_the_email_is_due() -> None:
    """Consent is checked when it matters and not before."""
    here = newcomer(MONDAY).after("guide", MONDAY)
    sequence = sequence_of(GUIDE, Step("next", wait=Wait(days=2)), opt_in=OptIn.CONFIRMED)
    assert isinstance(decide(sequence, here, Standing(Consents()), MONDAY, CALENDAR), Look)
