"""Reasons are values: each code has its words, and what is stored of one is read again."""

from collections.abc import Sequence
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.reasons import (
    KEYS,
    WORDS,
    Code,
    Reason,
    as_stored,
    in_words,
    said,
    to_store,
    why_ended,
    why_suppressed,
)
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.subscribers.suppression import SuppressionReason

ALL: Sequence[Code | EndReason] = [*Code, *EndReason]
_REASONS = st.builds(
    Reason,
    code=st.sampled_from(ALL),
    sequence=st.text(max_size=8),
    step=st.text(max_size=8),
    segment=st.text(max_size=8),
    purpose=st.text(max_size=8),
)


class Titles:
    """Names as a page has them."""

    def sequence(self, key: str) -> str:
        return f"“Title of {key}”"

    def step(self, sequence: str, step: str) -> str:
        return f"“Subject of {sequence}/{step}”"

    def email(self, sequence: str, step: str) -> str:
        return self.step(sequence, step)


def test_every_code_has_words_and_no_two_codes_are_stored_alike() -> None:
    assert set(WORDS) == set(ALL)
    assert len({str(code) for code in ALL}) == len(ALL)


@pytest.mark.parametrize("code", ALL)
def test_the_words_of_a_reason_name_nothing_that_a_reason_does_not_carry(
    code: Code | EndReason,
) -> None:
    named = {name for _, name, _, _ in Formatter().parse(WORDS[code]) if name}
    assert named <= set(Reason._fields) - {"code"}
    whole = Reason(code, sequence="s", step="t", segment="g", purpose="p")
    assert "{" not in in_words(whole)


@given(_REASONS)
def test_a_reason_is_read_as_it_was_stored(reason: Reason) -> None:
    code, about, text = to_store(reason)
    assert as_stored(str(code), about, text) == reason
    assert said(str(code), about, text) == text


def test_words_from_before_codes_and_of_a_newer_release_are_shown_as_they_are() -> None:
    assert said(None, None, "the worker fell asleep") == "the worker fell asleep"
    newer = ("eaten_by_a_dog", {"text": "a dog ate it"}, "a dog ate it")
    assert as_stored(*newer) is None
    assert said(*newer) == "a dog ate it"


def test_a_code_counts_only_for_the_text_that_it_was_written_with() -> None:
    code, about, _ = to_store(Reason(Code.BATCH_TOOK_TOO_LONG))
    assert said(str(code), about, "550 no such user") == "550 no such user"


def test_the_command_line_and_the_pages_name_the_same_things_each_in_their_way() -> None:
    time_not_come = Reason(Code.TIME_NOT_COME, sequence="golf", step="swing")
    assert in_words(time_not_come) == "the time of “swing” has not come"
    assert in_words(time_not_come, Titles()) == "the time of “Subject of golf/swing” has not come"
    taken_out = Reason(EndReason.TAKEN_OUT, sequence="golf")
    assert in_words(taken_out, KEYS) == "you took them out of “golf”"
    assert in_words(taken_out, Titles()) == "you took them out of “Title of golf”"


def test_a_segment_that_is_called_like_a_sequence_keeps_its_own_name() -> None:
    reason = Reason(Code.IN_SEGMENT, segment="golf")
    assert in_words(reason, Titles()) == "they are in the segment “golf”"


@pytest.mark.parametrize("status", EnrolmentStatus)
def test_an_end_without_a_reason_is_told_by_its_status(status: EnrolmentStatus) -> None:
    assert "“golf”" in in_words(why_ended(Ending(status), "golf"))
    booked = why_ended(Ending(status, EndReason.BOOKED), "golf")
    assert booked == Reason(EndReason.BOOKED, sequence="golf")


@pytest.mark.parametrize(
    ("places", "because"),
    [
        ([], EndReason.UNSUBSCRIBED),
        (["studio", "pages"], EndReason.UNSUBSCRIBED),
        (["pages", "studio"], EndReason.UNSUBSCRIBED_BY_OWNER),
        (["mailgun"], EndReason.UNSUBSCRIBED_ELSEWHERE),
    ],
)
def test_the_last_place_says_who_unsubscribed_somebody(
    places: list[str], because: EndReason
) -> None:
    assert why_suppressed(SuppressionReason.UNSUBSCRIBED, places).code is because
    assert why_suppressed(SuppressionReason.BOUNCED, places).code is EndReason.BOUNCED
