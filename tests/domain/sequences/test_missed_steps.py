"""Steps due during an unrecorded period: those treated as sent are not sent again."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.scheduling.planner import Send, next_action
from nurture.domain.sequences.missed_steps import take_as_sent
from nurture.domain.sequences.sequence import Sequence
from tests.domain.playing import CALENDAR, moments, newcomer, sequences, zones


@given(sequences(), moments, zones, st.integers(0, 60))
def test_a_step_taken_as_sent_is_not_sent_again(
    sequence: Sequence, start: datetime, zone: str, days: int
) -> None:
    now = start + timedelta(days=days)
    progress, steps = take_as_sent(sequence, newcomer(start, zone), now, CALENDAR)
    assert set(steps) <= progress.passed
    assert len(steps) == len(set(steps))
    assert take_as_sent(sequence, progress, now, CALENDAR) == (progress, ())
    action = next_action(sequence, progress, now, CALENDAR)
    assert not isinstance(action, Send)


@given(sequences(), moments, st.integers(0, 40), st.integers(0, 40))
def test_a_longer_silence_misses_every_step_a_shorter_one_misses(
    sequence: Sequence, start: datetime, days: int, more: int
) -> None:
    person, end = newcomer(start), start + timedelta(days=days)
    _, fewer = take_as_sent(sequence, person, end, CALENDAR)
    _, steps = take_as_sent(sequence, person, end + timedelta(days=more), CALENDAR)
    assert steps[: len(fewer)] == fewer
