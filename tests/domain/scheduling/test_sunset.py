"""Asking whether people still want the emails: only silent ones, once per silence."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.scheduling.sunset import Ask, CountFrom, Silence, decide
from nurture.domain.sequences.sequence import Quiet

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
lengths = st.timedeltas(timedelta(hours=1), timedelta(days=800))
quiets = st.builds(Quiet, after=lengths, patience=lengths)
before_now = lengths.map(lambda length: NOW - length)
silences = st.builds(
    Silence,
    alive_at=before_now,
    welcome=st.booleans(),
    under_way=st.booleans(),
    asked_at=st.none() | before_now,
)


@given(silences, quiets)
def test_a_person_is_asked_only_if_silent_welcome_idle_and_not_asked_yet(
    silence: Silence, quiet: Quiet
) -> None:
    asked = isinstance(decide(silence, quiet, NOW), Ask)
    since = silence.asked_at is not None and silence.asked_at >= silence.alive_at
    long = silence.alive_at <= NOW - quiet.after
    assert asked == (long and silence.welcome and not silence.under_way and not since)


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
    again = Silence(alive_at, welcome=True, asked_at=alive_at - ago)
    assert decide(again, quiet, NOW) == Ask()
    assert decide(again, quiet, NOW - timedelta(seconds=1)) == CountFrom(alive_at)
