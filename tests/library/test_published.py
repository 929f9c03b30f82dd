"""Plans published by a newer version are read as far as they are understood, and no further."""

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.known_words import known, known_or_none
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.library.practice import parse_practice
from nurture.library.published import (
    form_keys,
    published_practice,
    published_segments,
    published_sequence,
)
from nurture.library.reading import LibraryError
from nurture.library.segments import parse_segments
from nurture.library.sequences import parse_sequence
from tests.installation import SHIPPED

PLAN = (SHIPPED / "pain-guide/sequence.toml").read_text()
PRACTICE = (SHIPPED / "practice.toml").read_text()
SEGMENTS = (SHIPPED / "segments.toml").read_text()


def test_known_content_is_read_as_usual() -> None:
    assert published_sequence("pain-guide", PLAN) == (parse_sequence("pain-guide", PLAN), True)
    assert published_segments(SEGMENTS) == (parse_segments(SEGMENTS), True)
    assert published_practice(PRACTICE) == parse_practice(PRACTICE)


@given(place=st.integers(0, 9), name=st.sampled_from(["kind", "late", "wait", "colour"]))
def test_an_unknown_step_is_left_out_and_reported(place: int, name: str) -> None:
    plan = tomlkit.parse(PLAN).unwrap()
    plan["steps"][place][name] = "of the future"
    found, is_whole = published_sequence("pain-guide", tomlkit.dumps(plan))
    del plan["steps"][place]
    assert not is_whole
    assert found == parse_sequence("pain-guide", tomlkit.dumps(plan))


@pytest.mark.parametrize(
    ("old", "new"),
    [('"series"]', '"podcast"]'), ('"collect"', '"post"'), ("opt_in ", "price = 1\nopt_in ")],
)
def test_a_partly_unknown_form_is_dropped(old: str, new: str) -> None:
    plan = PLAN.replace(old, new)
    found, is_whole = published_sequence("pain-guide", plan)
    assert (found.form, is_whole) == (None, False)
    assert form_keys(plan) == {"pain-guide"}


def test_other_unknown_parts_are_reported_and_the_form_stays() -> None:
    for more in ('colour = "red"\n', 'answers = "complaint"\n'):
        found, is_whole = published_sequence("pain-guide", more + PLAN)
        assert (found, is_whole) == (parse_sequence("pain-guide", PLAN), False)


def test_unknown_segments_and_settings_are_left_out() -> None:
    more = '\n[[segments]]\nname = "new"\nall = [{ watched = true }]\n[topics.new]\nicon = "x"\n'
    found, is_whole = published_segments(SEGMENTS + more)
    assert not is_whole
    assert found.segments == parse_segments(SEGMENTS).segments
    assert published_practice('motto = "x"\n' + PRACTICE) == parse_practice(PRACTICE)


def test_an_invalid_plan_is_refused() -> None:
    for plan in ("", "[[steps", "steps = 1"):
        with pytest.raises(LibraryError):
            published_sequence("pain-guide", plan)
        assert form_keys(plan) == frozenset()
    for segments in ("topics = 1", "segments = 1", "topics = [1]"):
        with pytest.raises(LibraryError):
            published_segments(segments)


def test_an_unknown_word_is_read_as_its_fallback() -> None:
    removed = EnrolmentStatus.REMOVED
    assert known(EnrolmentStatus, "active", removed) is EnrolmentStatus.ACTIVE
    assert known(EnrolmentStatus, "waiting", removed) is removed
    assert known_or_none(EnrolmentStatus, "waiting") is None
    assert known_or_none(EnrolmentStatus, None) is None
