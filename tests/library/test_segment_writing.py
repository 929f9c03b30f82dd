"""A segment is edited as a person would edit it: nothing around it changes."""

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
def test_a_written_segment_is_read_back_and_everything_else_is_unchanged(
    condition: Condition, title: str, about: str
) -> None:
    segment = Segment("golfers", title or "Golf", about, All((condition,)))
    before, after = parse_segments(TOML), parse_segments(with_segment(TOML, segment, "golfers"))
    assert after.segments == {**before.segments, "golfers": segment}
    assert after.topics == before.topics
    assert list(after.segments) == list(before.segments)


@pytest.mark.parametrize("condition", [Booked(), Not(Booked()), AnyOf((Booked(), Collected()))])
def test_a_new_segment_comes_last(condition: Condition) -> None:
    written = with_segment(TOML, Segment("x", "X", "", condition))
    assert written.startswith(TOML.rstrip())
    assert list(parse_segments(written).segments)[-1] == "x"


def test_a_new_title_changes_one_line_and_keeps_the_comments() -> None:
    now = parse_segments(TOML).segments["golfers"]
    written = with_segment(
        TOML, Segment("golfers", "People who play golf", now.about, now.condition), "golfers"
    )
    assert written == TOML.replace('title = "Golfers"', 'title = "People who play golf"')


def test_a_condition_is_written_with_one_line_for_each_part() -> None:
    both = Segment("golfers", "Golfers", "", All((Booked(), Not(Collected("golf")))))
    text = segment_text(with_segment(TOML, both, "golfers"), "golfers")
    assert 'all = [\n  { booked = true },\n  { not = { collected = "golf" } },\n]' in text


def test_deleting_a_segment_deletes_its_comment_and_nothing_else() -> None:
    banner = '# --- More ---\n\n[[segments]]\nname = "last"\nall = [{ booked = true }]\n'
    gone = without_segment(TOML + "\n" + banner, "golfers")
    assert "Gets the golf article" not in gone
    assert gone.endswith(banner)
    assert list(parse_segments(gone).segments) == ["ready-to-book", "gone-quiet", "last"]


def test_a_segment_written_as_text_is_stored_unchanged() -> None:
    text = '[[segments]]  # mine\nname = "golfers"\nany = [{ booked = true }]  # for now'
    written = with_segment_text(TOML, "golfers", text)
    assert text in written and "# Gets the golf article" in written
    assert parse_segments(written).segments["golfers"].condition == AnyOf((Booked(),))


@pytest.mark.parametrize(
    "text", ["", "name = 1", "[topics]", "[[segments]]\n[[segments]]", "[[segments]]\n[topics]"]
)
def test_text_that_is_not_exactly_one_segment_is_refused(text: str) -> None:
    with pytest.raises(LibraryError):
        with_segment_text(TOML, "golfers", text)


def test_an_error_names_its_line_and_a_missing_segment_is_named() -> None:
    with pytest.raises(LibraryError, match="line 2"):
        with_segment_text(TOML, "golfers", "[[segments]]\nname = golfers")
    with pytest.raises(LibraryError, match="no segment “nothing”"):
        segment_text(TOML, "nothing")
