"""What becomes of a message: nothing is sent twice, and nothing waits for ever."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.messages.refusal import Blame, Refusal
from nurture.domain.messages.retries import (
    AWAY,
    OFFERS_IN_DOUBT,
    Answer,
    Fate,
    Offered,
    fate_after,
    fate_without_worker,
    is_behind,
    may_be_offered_again,
)
from nurture.domain.messages.status import SETTLED, TAKEN, MessageStatus
from nurture.domain.sequences.sequence import ANSWERS, StepKind

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CLAIMED, SENDING = MessageStatus.CLAIMED, MessageStatus.SENDING
ACCEPTED, DEFERRED = MessageStatus.ACCEPTED, MessageStatus.DEFERRED
FAILED, IN_DOUBT = MessageStatus.FAILED, MessageStatus.IN_DOUBT
GUIDE, ARTICLE = StepKind.GUIDE, StepKind.ARTICLE

NOT_NOW = Refusal(Blame.RECIPIENT)
MAILBOX_FULL = Refusal(Blame.RECIPIENT, permanent=True, full=True)
NOBODY_THERE = Refusal(Blame.RECIPIENT, permanent=True, dead=True)
NO_SPAM = Refusal(Blame.CONTENT, permanent=True)
NO_QUOTA = Refusal(Blame.ACCOUNT)

offers = st.builds(
    Offered,
    kind=st.sampled_from(StepKind),
    attempt=st.integers(1, 40),
    doubts=st.integers(0, 5),
    due_at=st.integers(0, 30 * 24 * 60).map(lambda ago: NOW - timedelta(minutes=ago)),
)
refusals = st.none() | st.builds(
    Refusal, blame=st.sampled_from(Blame), permanent=st.booleans(), dead=st.booleans()
)
answers = st.builds(
    Answer,
    status=st.sampled_from((DEFERRED, FAILED, IN_DOUBT)),
    code=st.none() | st.sampled_from((421, 450, 550)),
    refusal=refusals,
)


def offered(kind: StepKind = ARTICLE, attempt: int = 1, **more: int) -> Offered:
    """A message that was due a number of `days` ago and has been in doubt before or not."""
    due_at = NOW - timedelta(days=more.get("days", 0))
    return Offered(kind, attempt, more.get("doubts", 0), due_at)


@pytest.mark.parametrize(
    ("message", "answer", "fate"),
    [
        (offered(), Answer(DEFERRED), Fate(DEFERRED, NOW + AWAY)),
        (offered(), Answer(DEFERRED, 450, NOT_NOW), Fate(DEFERRED, NOW + timedelta(minutes=5))),
        (
            offered(attempt=3),
            Answer(DEFERRED, 450, NOT_NOW),
            Fate(DEFERRED, NOW + timedelta(minutes=20)),
        ),
        (
            offered(attempt=30),
            Answer(DEFERRED, 450, NOT_NOW),
            Fate(DEFERRED, NOW + timedelta(minutes=320)),
        ),
        (
            offered(),
            Answer(DEFERRED, 552, MAILBOX_FULL),
            Fate(DEFERRED, NOW + timedelta(hours=1)),
        ),
        (offered(attempt=8, days=6), Answer(DEFERRED, 450, NOT_NOW), Fate(FAILED)),
        (
            offered(attempt=8, days=4),
            Answer(DEFERRED, 450, NOT_NOW),
            Fate(DEFERRED, NOW + timedelta(minutes=320)),
        ),
        (
            offered(attempt=8, days=6),
            Answer(DEFERRED, 421, Refusal(Blame.CONNECTION)),
            Fate(DEFERRED, NOW + timedelta(minutes=320)),
        ),
        (offered(), Answer(DEFERRED, 452, NO_QUOTA), Fate(DEFERRED, NOW)),
        (offered(), Answer(FAILED, 554, NO_SPAM), Fate(FAILED)),
        (offered(), Answer(FAILED, 550, NOBODY_THERE), Fate(FAILED, address_is_dead=True)),
        (offered(ARTICLE), Answer(IN_DOUBT), Fate(IN_DOUBT)),
        (offered(GUIDE), Answer(IN_DOUBT), Fate(IN_DOUBT, NOW + timedelta(minutes=5))),
        (offered(GUIDE, doubts=1), Answer(IN_DOUBT), Fate(IN_DOUBT)),
    ],
)
def test_the_answer_decides_what_becomes_of_a_message(
    message: Offered, answer: Answer, fate: Fate
) -> None:
    assert fate_after(message, answer, NOW) == fate


@given(offers, answers)
def test_a_message_that_is_offered_again_may_be_claimed_again_and_no_other(
    message: Offered, answer: Answer
) -> None:
    fate = fate_after(message, answer, NOW)
    doubts = message.doubts + (fate.status is IN_DOUBT)
    may = may_be_offered_again(fate.status, message.kind, doubts)
    assert may or fate.again_at is None or answer.is_about_the_account
    assert fate.again_at is not None or fate.address_is_dead or not may
    keeps_its_place = answer.is_about_the_account and fate.again_at == min(message.due_at, NOW)
    assert fate.again_at is None or fate.again_at >= NOW or keeps_its_place


@given(offers, answers)
def test_no_message_is_given_up_within_five_days(message: Offered, answer: Answer) -> None:
    fate = fate_after(message, answer, NOW)
    given_up = fate.status is FAILED and answer.status is not FAILED
    assert fate.status in (answer.status, FAILED)
    assert not given_up or NOW - message.due_at > timedelta(days=5)
    assert not given_up or answer.is_personal


@given(offers)
def test_a_message_that_is_always_deferred_fails_within_ten_days(message: Offered) -> None:
    at, attempt = message.due_at, 1
    for _ in range(100):
        again = Offered(message.kind, attempt, 0, message.due_at)
        fate = fate_after(again, Answer(DEFERRED, 450, NOT_NOW), at)
        if fate.again_at is None:
            break
        at, attempt = fate.again_at, attempt + 1
    assert fate == Fate(FAILED)
    assert timedelta(days=5) < at - message.due_at < timedelta(days=10)


@given(st.sampled_from(StepKind), answers)
def test_only_what_was_asked_for_is_offered_again_while_in_doubt_and_only_once(
    kind: StepKind, answer: Answer
) -> None:
    doubts = 0
    while may_be_offered_again(IN_DOUBT, kind, doubts) and doubts < 10:
        doubts += 1
    assert doubts == (OFFERS_IN_DOUBT if kind in ANSWERS else 0)


@pytest.mark.parametrize("noted", [None, *MessageStatus])
def test_a_message_that_was_only_claimed_is_deferred_whatever_the_logbook_says(
    noted: MessageStatus | None,
) -> None:
    assert fate_without_worker(CLAIMED, noted) is DEFERRED


@pytest.mark.parametrize(
    ("noted", "fate"),
    [
        (None, IN_DOUBT),
        (IN_DOUBT, IN_DOUBT),
        (DEFERRED, DEFERRED),
        (ACCEPTED, ACCEPTED),
        (FAILED, FAILED),
    ],
)
def test_a_message_that_was_being_offered_is_in_doubt_unless_the_logbook_says_more(
    noted: MessageStatus | None, fate: MessageStatus
) -> None:
    assert fate_without_worker(SENDING, noted) is fate


@pytest.mark.parametrize("kind", StepKind)
@pytest.mark.parametrize("status", [*sorted(TAKEN), FAILED, CLAIMED, SENDING])
def test_an_accepted_failed_or_claimed_message_is_not_offered_again(
    kind: StepKind, status: MessageStatus
) -> None:
    assert not may_be_offered_again(status, kind, doubts=0)


@pytest.mark.parametrize("status", MessageStatus)
def test_a_step_is_over_once_its_message_is_settled_or_in_doubt(
    status: MessageStatus,
) -> None:
    assert is_behind(status) is (status in SETTLED or status is IN_DOUBT)
    assert not is_behind(status) or status not in (CLAIMED, SENDING, DEFERRED)
