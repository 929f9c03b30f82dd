"""Durations, times and days are parsed as written, or refused with a remedy."""

from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta

import pytest

from nurture.domain.sequences.sequence import (
    EVERY_DAY,
    SERIES,
    WORKING_DAYS,
    SendDays,
    SequenceError,
    Step,
    StepKind,
    Wait,
    parse_days,
    parse_length,
    parse_time_of_day,
    parse_wait,
)
from nurture.domain.sequences.soundness import unsound
from nurture.domain.subscribers.consent import Purpose
from tests.domain.playing import GUIDE, sequence_of


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("2 days", Wait(days=2)),
        (" 1  day ", Wait(days=1)),
        ("1 week", Wait(days=7)),
        ("2 weeks", Wait(days=14)),
        ("36 hours", Wait(elapsed=timedelta(hours=36))),
        ("90 minutes", Wait(elapsed=timedelta(minutes=90))),
        ("0 days", Wait()),
    ],
)
def test_a_wait_is_parsed_as_written(text: str, wait: Wait) -> None:
    assert parse_wait(text) == wait
    assert parse_length(text) == timedelta(days=wait.days) + wait.elapsed


@pytest.mark.parametrize(
    "text", ["", "2", "days", "two days", "-2 days", "1.5 days", "2 months", "2 days 3 hours"]
)
def test_an_invalid_length_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SequenceError, match="Write it like"):
        parse_wait(text)


@pytest.mark.parametrize("text", ["² days", "99999999999999999 hours", "4000000 days"])
def test_an_impossibly_long_wait_is_refused_when_parsed(text: str) -> None:
    with pytest.raises(SequenceError):
        parse_wait(text)


def test_only_a_valid_time_of_day_is_accepted() -> None:
    assert parse_time_of_day("08:30") == time(8, 30)
    for text in ("", "8:30", "24:30", "half past eight"):
        with pytest.raises(SequenceError, match="Write it like"):
            parse_time_of_day(text)


@pytest.mark.parametrize("text", ["08:30Z", "08:30+02:00"])
def test_a_time_of_day_with_an_offset_is_refused(text: str) -> None:
    with pytest.raises(SequenceError):
        parse_time_of_day(text)


@pytest.mark.parametrize(
    ("said", "days"),
    [
        ("any day", EVERY_DAY),
        ("working days", WORKING_DAYS),
        ("Tuesday", SendDays(frozenset({1}))),
        (["tuesday", "thursday"], SendDays(frozenset({1, 3}))),
    ],
)
def test_days_are_parsed_as_written(said: str | list[str], days: SendDays) -> None:
    assert parse_days(said) == days


@pytest.mark.parametrize("said", ["", [], "weekdays", ["monday", "mittwoch"]])
def test_unknown_days_are_refused(said: str | list[str]) -> None:
    with pytest.raises(SequenceError, match="is not a day to send on"):
        parse_days(said)


def test_a_step_is_found_by_its_email() -> None:
    find: Callable[[str], Step] = sequence_of(GUIDE, Step("article")).step
    assert find("article") == Step("article")
    with pytest.raises(KeyError, match="nothing"):
        find("nothing")


@pytest.mark.parametrize("kind", sorted(set(StepKind) - SERIES))
def test_only_what_is_sent_as_part_of_a_series_has_a_stream(kind: StepKind) -> None:
    def findings(step: Step) -> list[str]:
        return list(unsound(sequence_of(GUIDE, step)))

    plain = Step("step", kind)
    assert set(findings(replace(plain, stream=Purpose.NEWS))) - set(findings(plain)) == {
        f"“step” is of kind “{kind}”, which is of no stream. Leave it out."
    }
    assert not findings(Step("step", stream=Purpose.NEWS))
