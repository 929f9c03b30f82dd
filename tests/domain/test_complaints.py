"""Complaints: how long one may wait, and what the form insists on."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.complaints import (
    LONGEST_ANSWER_TO,
    LONGEST_NAME,
    LONGEST_TEXT,
    AnswerBy,
    UnclearComplaintError,
    deadline,
    read_wording,
    tidied,
)

ZONE = "Europe/London"
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


def test_the_day_of_receipt_is_the_first_of_thirty() -> None:
    received = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)  # Half an hour into 2 July in London.
    first = deadline(received, received, ZONE)
    assert (first.last_day, first.days_left) == (date(2026, 7, 31), 30)
    assert not first.is_serious and not first.is_missed


@pytest.mark.parametrize(
    ("day", "left", "serious", "missed"),
    [(24, 8, False, False), (25, 7, True, False), (31, 1, True, False), (32, 0, True, True)],
)
def test_it_turns_serious_in_the_last_seven_days(
    day: int, left: int, serious: bool, missed: bool
) -> None:
    received = datetime(2026, 7, 2, 12, 0, tzinfo=UTC)
    found = deadline(received, received + timedelta(days=day - 2), ZONE)
    assert (found.days_left, found.is_serious, found.is_missed) == (left, serious, missed)


@given(received=MOMENTS, waited=st.timedeltas(timedelta(0), timedelta(days=90)))
def test_it_is_missed_only_after_the_last_day_has_ended(
    received: datetime, waited: timedelta
) -> None:
    now = received + waited
    found = deadline(received, now, ZONE)
    assert found.is_missed == (now.astimezone(ZoneInfo(ZONE)).date() > found.last_day)
    assert not found.is_missed or waited > timedelta(days=29)


@pytest.mark.parametrize(
    ("text", "by", "answer_to", "field"),
    [
        (" \n\0 ", "email", "", "text"),
        ("x" * (LONGEST_TEXT + 1), "email", "", "text"),
        ("You wrote.", "phone", " ", "answer_to"),
        ("You wrote.", "letter", "", "answer_to"),
        ("You wrote.", "email", "x" * (LONGEST_ANSWER_TO + 1), "answer_to"),
    ],
)
def test_what_is_missing_or_too_long_is_named(
    text: str, by: str, answer_to: str, field: str
) -> None:
    with pytest.raises(UnclearComplaintError) as raised:
        read_wording(text, "", by, answer_to)
    assert raised.value.field == field


def test_a_complaint_does_not_fail_on_a_formality() -> None:
    found = read_wording("You wrote.\r\nAgain!", f"  Ann \n{'x' * 300}", "carrier pigeon", "")
    assert found.text == "You wrote.\nAgain!"
    assert found.name.startswith("Ann xxx") and len(found.name) == LONGEST_NAME
    assert found.answer_by is AnswerBy.EMAIL


@given(st.text())
def test_a_tidied_text_stays_as_it_is_when_tidied_again(text: str) -> None:
    once = tidied(text)
    assert tidied(once) == once
    assert "\0" not in once and "\r" not in once
