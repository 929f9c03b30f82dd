"""An email that is offered again is next once more, or is let go."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nurture.domain.scheduling.decision import SendNow, decide
from nurture.domain.scheduling.gate import Standing
from nurture.domain.scheduling.planner import Send, WaitUntil, next_action
from nurture.domain.scheduling.second_offer import Missed, progress_before
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import ANSWERS, StepKind
from tests.domain.playing import WILLING, Play, plays

ACTIVE, COMPLETED = EnrolmentStatus.ACTIVE, EnrolmentStatus.COMPLETED
LEFT = sorted(set(EnrolmentStatus) - {ACTIVE, COMPLETED})


def missed_last(play: Play) -> Missed:
    """The last email that was sent, of which it turns out that it did not arrive."""
    last = play.sent[-1]
    return Missed(last.step.email, last.step.kind, last.due_at)


@given(plays(), st.integers(0, 60 * 24), st.sampled_from((ACTIVE, COMPLETED)))
def test_the_last_email_is_next_once_more_at_the_time_it_was_due(
    play: Play, hours: int, status: EnrolmentStatus
) -> None:
    play.run(until=play.progress.enrolled_at + timedelta(hours=hours))
    last, missed = play.sent[-1], missed_last(play)
    sequence, calendar = play.sequence, play.calendar
    before = progress_before(sequence, status, play.progress, missed, last.at, calendar)
    assume(before is not None)
    assert before is not None
    action = next_action(sequence, before, last.at, calendar)
    assert isinstance(action, Send | WaitUntil)
    assert action.step is not None
    assert action.step.email == missed.step
    assert isinstance(action, WaitUntil) or action.due_at <= last.at
    assert before.passed == play.progress.passed - (
        frozenset() if missed.kind in ANSWERS else {missed.step}
    )


@given(plays())
def test_a_guide_that_nobody_has_collected_can_always_be_offered_again(play: Play) -> None:
    play.run(until=play.progress.enrolled_at + timedelta(minutes=1))
    guide = play.sent[0]
    here = replace(play.progress, collected_at=None)
    missed = Missed(guide.step.email, guide.step.kind, guide.due_at)
    before = progress_before(play.sequence, ACTIVE, here, missed, guide.at, play.calendar)
    assert before == replace(here, guide_wanted=True)
    decision = decide(play.sequence, before, Standing(WILLING), guide.at, play.calendar)
    assert isinstance(decision, SendNow)
    assert decision.step == guide.step


@given(plays())
def test_a_guide_of_an_earlier_request_is_let_go(play: Play) -> None:
    play.run(until=play.progress.enrolled_at + timedelta(minutes=1))
    guide = play.sent[0]
    missed = Missed(guide.step.email, guide.step.kind, guide.due_at, is_current=False)
    here = progress_before(play.sequence, ACTIVE, play.progress, missed, guide.at, play.calendar)
    assert here is None


@given(plays(), st.integers(1, 60))
def test_an_email_is_let_go_once_a_later_one_was_sent(play: Play, days: int) -> None:
    play.run(until=play.progress.enrolled_at + timedelta(days=days))
    series = [sent for sent in play.sent if sent.step.kind not in ANSWERS]
    again = [
        progress_before(
            play.sequence,
            ACTIVE,
            play.progress,
            Missed(sent.step.email, sent.step.kind, sent.due_at),
            play.sent[-1].at,
            play.calendar,
        )
        for sent in series[:-1]
    ]
    assert again == [None] * len(series[:-1])


@pytest.mark.parametrize("status", LEFT)
@given(play=plays())
def test_nothing_is_offered_again_to_people_who_have_left(
    status: EnrolmentStatus, play: Play
) -> None:
    play.run(until=play.progress.enrolled_at + timedelta(days=3))
    now, missed = play.sent[-1].at, missed_last(play)
    here = progress_before(play.sequence, status, play.progress, missed, now, play.calendar)
    assert here is None


@given(plays())
def test_a_question_that_has_been_asked_again_since_is_not_repeated(play: Play) -> None:
    play.run(until=play.progress.enrolled_at + timedelta(days=3))
    now, last = play.sent[-1].at, play.sent[-1]
    old = Missed(last.step.email, StepKind.QUESTION, last.due_at, is_current=False)
    assert progress_before(play.sequence, ACTIVE, play.progress, old, now, play.calendar) is None
