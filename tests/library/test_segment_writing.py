"""A segment is changed as a person would change it: nothing around it moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.audience.conditions import (
    All,
    AnyOf,
    Booked,
    Collected,
    Condition,
    Not,
    Segment,
)
from nurture.library.reading import LibraryError
from nurture.library.segment_writing import (
    segment_text,
    with_segment,
    with_segment_text,
    without_segment,
)
from nurture.library.segments import parse_segments
from tests.installation import SHIPPED
from tests.people import conditions

TOML = (SHIPPED / "segments.toml").read_text()
NEW = Segment("booked", "Booked", "", All((Booked(),)))
_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


@given(conditions, _text, _text)
def test_whatever_is_written_is_read_back_and_all_else_is_as_it_was(
    condition: Condition, title: str, about: str
) -> None:
    segment = Segment("golfers", title or "Golf", about, All((condition,)))
    before, after = parse_segments(TOML), parse_segments(with_segment(TOML, segment, "golfers"))
    assert after.segments == {**before.segments, "golfers": segment}
    assert after.topics == before.topics
    assert list(after.segments) == list(before.segments)


@pytest.mark.parametrize("condition", [Booked(), Not(Booked()), AnyOf((Booked(), Collected()))])
def test_a_new_one_comes_last(condition: Condition) -> None:
    written = with_segment(TOML, Segment("x", "X", "", condition))
    assert written.startswith(TOML.rstrip())
    assert list(parse_segments(written).segments)[-1] == "x"


def test_comments_stay_and_a_new_title_touches_one_line() -> None:
    now = parse_segments(TOML).segments["golfers"]
    written = with_segment(
        TOML, Segment("golfers", "People who play golf", now.about, now.condition), "golfers"
    )
    assert written == TOML.replace('title = "Golfers"', 'title = "People who play golf"')


def test_a_condition_is_laid_out_a_line_for_each_part() -> None:
    both = Segment("golfers", "Golfers", "", All((Booked(), Not(Collected("golf")))))
    text = segment_text(with_segment(TOML, both, "golfers"), "golfers")
    assert 'all = [\n  { booked = true },\n  { not = { collected = "golf" } },\n]' in text


def test_taking_one_out_takes_its_comment_and_nothing_else() -> None:
    banner = '# --- More ---\n\n[[segments]]\nname = "last"\nall = [{ booked = true }]\n'
    gone = without_segment(TOML + "\n" + banner, "golfers")
    assert "Gets the golf article" not in gone
    assert gone.endswith(banner)
    assert list(parse_segments(gone).segments) == ["ready-to-book", "gone-quiet", "last"]


def test_what_is_written_as_text_is_taken_as_it_is() -> None:
    text = '[[segments]]  # mine\nname = "golfers"\nany = [{ booked = true }]  # for now'
    written = with_segment_text(TOML, "golfers", text)
    assert text in written and "# Gets the golf article" in written
    assert parse_segments(written).segments["golfers"].condition == AnyOf((Booked(),))


@pytest.mark.parametrize(
    "text", ["", "name = 1", "[topics]", "[[segments]]\n[[segments]]", "[[segments]]\n[topics]"]
)
def test_what_is_not_one_segment_is_refused(text: str) -> None:
    with pytest.raises(LibraryError):
        with_segment_text(TOML, "golfers", text)


def test_a_fault_names_its_line_and_a_segment_that_is_gone_is_named() -> None:
    with pytest.raises(LibraryError, match="line 2"):
        with_segment_text(TOML, "golfers", "[[segments]]\nname = golfers")
    with pytest.raises(LibraryError, match="no segment “nothing”"):
        segment_text(TOML, "nothing")
