"""Asking whether people still want the emails: only silent ones, once per silence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.scheduling.sunset import (
    ASKED_IN_THE_FOOT_AFTER,
    ENDS_A_SILENCE,
    UNANSWERED,
    Ask,
    CountFrom,
    Silence,
    asks_in_foot,
    decide,
    end_of_question,
    ends_silence,
)
from nurture.domain.sequences.sequence import Quiet
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
lengths = st.timedeltas(timedelta(hours=1), timedelta(days=800))
quiets = st.builds(Quiet, after=lengths, patience=lengths)
before_now = lengths.map(lambda length: NOW - length)
silences = st.builds(
    Silence,
    alive_at=before_now,
    followed_since=st.none() | before_now,
    welcome=st.booleans(),
    under_way=st.booleans(),
    asked_at=st.none() | before_now,
    paused_until=st.none() | before_now | lengths.map(lambda length: NOW + length),
)


@given(silences, quiets)
def test_a_person_is_asked_only_if_silent_followed_welcome_idle_and_not_asked_yet(
    silence: Silence, quiet: Quiet
) -> None:
    asked = isinstance(decide(silence, quiet, NOW), Ask)
    moments = [silence.alive_at, silence.followed_since, silence.paused_until]
    since = max(at for at in moments if at is not None)
    before = silence.asked_at is not None and silence.asked_at >= since
    long = since <= NOW - quiet.after
    idle = silence.welcome and not silence.under_way
    assert asked == (long and silence.followed_since is not None and idle and not before)


@given(silences, quiets, before_now)
def test_a_person_without_tracking_is_never_asked(
    silence: Silence, quiet: Quiet, later: datetime
) -> None:
    unseen = replace(silence, followed_since=None)
    assert decide(unseen, quiet, NOW) == CountFrom(NOW)
    assert isinstance(decide(unseen, quiet, later), CountFrom)


@given(silences, quiets, lengths)
def test_consent_to_tracking_starts_the_silence_again(
    silence: Silence, quiet: Quiet, ago: timedelta
) -> None:
    followed = replace(silence, followed_since=NOW - min(ago, quiet.after - timedelta(minutes=1)))
    assert isinstance(decide(followed, quiet, NOW), CountFrom)


@given(st.booleans(), st.booleans(), st.booleans())
def test_only_someone_reached_followed_and_without_a_sign_is_dropped(
    reached: bool, answered: bool, followed: bool
) -> None:
    ending = end_of_question(reached=reached, answered=answered, followed=followed)
    assert (ending == UNANSWERED) == (reached and followed and not answered)


@given(st.sampled_from(sorted(ENDS_A_SILENCE)), st.sampled_from(EventKind))
def test_what_a_person_does_ends_a_silence_and_a_doubt_about_a_hit_does_too(
    sign: EventKind, kind: EventKind
) -> None:
    hit = kind in (EventKind.OPENED, EventKind.CLICKED)
    assert ends_silence(sign, Verdict.HUMAN, is_held=False)
    assert ends_silence(kind, Verdict.UNSURE, is_held=False) == hit
    assert ends_silence(kind, None, is_held=True) == hit
    assert not ends_silence(kind, None, is_held=False)
    assert not ends_silence(kind, Verdict.MACHINE, is_held=False)


def test_the_deeds_that_end_a_silence_are_those_that_are_described() -> None:
    assert sorted(ENDS_A_SILENCE) == [
        *("booked", "cancelled", "clicked", "downloaded", "opened", "paused"),
        *("replied", "rescheduled", "resumed", "stayed", "used_page"),
    ]


@given(
    st.lists(st.integers(0, 3000), max_size=60).map(sorted),
    st.integers(0, 3000),
)
def test_the_foot_asks_after_two_years_without_a_sign_and_once_in_two_years(
    days: list[int], today: int
) -> None:
    """Day 0 is that of the latest sign; broadcasts go out on `days` and `today`."""
    sent = [NOW + timedelta(days=day) for day in days if day < today]
    asking = [at for n, at in enumerate(sent) if asks_in_foot(NOW, sent[:n], at)]
    assert all(at - NOW >= ASKED_IN_THE_FOOT_AFTER for at in asking)
    assert all(b - a >= ASKED_IN_THE_FOOT_AFTER for a, b in pairwise(asking))
    last = asking[-1] if asking else NOW
    now = NOW + timedelta(days=today)
    assert asks_in_foot(NOW, sent, now) == (now - last >= ASKED_IN_THE_FOOT_AFTER)


@given(silences, quiets)
def test_a_person_who_is_not_asked_is_not_checked_again_immediately(
    silence: Silence, quiet: Quiet
) -> None:
    decision = decide(silence, quiet, NOW)
    if isinstance(decision, CountFrom):
        assert NOW - quiet.after < decision.at <= NOW
    else:
        assert decision == Ask()


@given(quiets, lengths)
def test_silence_counts_from_the_latest_activity_even_if_asked_before(
    quiet: Quiet, ago: timedelta
) -> None:
    alive_at = NOW - quiet.after
    again = Silence(alive_at, alive_at, welcome=True, asked_at=alive_at - ago)
    assert decide(again, quiet, NOW) == Ask()
    assert decide(again, quiet, NOW - timedelta(seconds=1)) == CountFrom(alive_at)
