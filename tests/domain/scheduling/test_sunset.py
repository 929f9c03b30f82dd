"""Who is asked whether they still want the emails: the quiet, once in a silence."""

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
def test_nobody_is_asked_who_is_there_or_unwelcome_or_under_way_or_has_been_asked(
    silence: Silence, quiet: Quiet
) -> None:
    asked = isinstance(decide(silence, quiet, NOW), Ask)
    since = silence.asked_at is not None and silence.asked_at >= silence.alive_at
    long = silence.alive_at <= NOW - quiet.after
    assert asked == (long and silence.welcome and not silence.under_way and not since)


@given(silences, quiets)
def test_whoever_is_left_alone_is_not_looked_at_again_at_once(
    silence: Silence, quiet: Quiet
) -> None:
    decision = decide(silence, quiet, NOW)
    if isinstance(decision, CountFrom):
        assert NOW - quiet.after < decision.at <= NOW


@given(quiets, lengths)
def test_silence_counts_from_the_latest_sign_and_whoever_answered_may_be_asked_again(
    quiet: Quiet, ago: timedelta
) -> None:
    alive_at = NOW - quiet.after
    again = Silence(alive_at, welcome=True, asked_at=alive_at - ago)
    assert decide(again, quiet, NOW) == Ask()
    assert decide(again, quiet, NOW - timedelta(seconds=1)) == CountFrom(alive_at)
