"""Segments are read from a file as the owner means them, or refused with place and remedy."""

import pytest
from hypothesis import given

from nurture.domain.audience.conditions import All, Booked, Condition, Did, IsLevel, Not
from nurture.domain.sequences.sequence import parse_length
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict
from nurture.library.folder import read_library
from nurture.library.reading import LibraryError
from nurture.library.segment_writing import as_table
from nurture.library.segments import parse_condition, parse_segments
from tests.installation import SHIPPED
from tests.people import conditions

HEAD = '[topics.golf]\ntitle = "Golf"\n[[segments]]\nname = "s"\n'


def test_the_shipped_segments_include_those_a_new_practice_needs() -> None:
    segments = read_library(SHIPPED).segments
    assert {"ready-to-book", "gone-quiet", "golfers"} <= set(segments.segments)
    ready = segments.segments["ready-to-book"].condition
    month = parse_length("30 days")
    assert ready == All((Did(EventKind.CLICKED, within=month, times=2), Not(Booked())))


def test_topics_state_whether_they_are_about_health() -> None:
    segments = read_library(SHIPPED).segments
    assert "back-pain" in segments.health
    assert "golf" not in segments.health


@given(condition=conditions)
def test_a_condition_is_read_back_as_written(condition: Condition) -> None:
    assert parse_condition(as_table(condition), "here") == condition


def test_a_level_may_be_given_alone_or_in_a_list() -> None:
    alone = parse_condition({"level": "asleep"}, "here")
    assert alone == parse_condition({"level": ["asleep"]}, "here")
    assert isinstance(alone, IsLevel)


def test_only_human_activity_counts_by_default() -> None:
    asked = parse_condition({"opened": {"verdict": "unsure"}}, "here")
    assert asked == Did(EventKind.OPENED, verdicts=frozenset({Verdict.UNSURE}))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("all = [{ klicked = true }]", "“klicked” is no condition"),
        ("all = [{ clicked = { topik = 'golf' } }]", "topik is not a setting"),
        ("all = [{ clicked = { times = 0 } }]", "times: it must be a whole number"),
        ("all = [{ clicked = { times = true } }]", "times: it must be a whole number"),
        ("all = [{ clicked = { within = 'soon' } }]", "“soon” is not a length of time"),
        ("all = [{ clicked = { verdict = 'robot' } }]", "verdict"),
        ("all = [{ clicked = 'golf' }]", "it must be a table"),
        ("all = [{ clicked = true, opened = true }]", "a table with one key"),
        ("all = []", "a list of conditions"),
        ("all = [1]", "a table with one key"),
        ("all = [{ level = 'dead' }]", "level"),
        ("all = [{ level = [] }]", "a text or a list of texts"),
        ("all = [{ in = { status = 'active' } }]", "sequence is missing"),
        ("all = [{ in = { sequence = 'golf', status = 5 } }]", "status: it must be a text or a"),
        ("all = [{ in = { sequence = 'golf', status = true } }]", "status: it must be a text or a"),
        ("all = [{ in = { sequence = 'golf', status = [] } }]", "status: it must be a text or a"),
        ("all = [{ in = { sequence = 'golf', status = 'gone' } }]", "Write one of active"),
        ("all = [{ clicked = { verdict = ['human'] } }]", "Write one of human, machine, unsure"),
        ('all = [{ clicked = { email = "a\\u0000b" } }]', "email has a null in it. Take out"),
        ("all = [{ signed_up = { 'utm_a\"b' = 'x' } }]", "is not a UTM parameter. Write it like"),
        ("all = [{ signed_up = { since = 'monday' } }]", "since"),
        ("all = [{ signed_up = { since = 2026-11-01T08:00:00Z } }]", "must be a day"),
        ("all = [{ attribute = { shoe_size = '43' } }]", "shoe_size is not a setting"),
        ("all = [{ attribute = {} }]", "it must name one attribute"),
        ("title = 'No condition'", "one of all, any or not"),
        ("all = [{ booked = true }]\nany = [{ booked = true }]", "one of all, any or not"),
        ("all = " + "[{ all = " * 9 + "[{ booked = true }]" + " }]" * 9, "nests too deep"),
    ],
)
def test_a_mistake_is_named_with_its_place(line: str, said: str) -> None:
    with pytest.raises(LibraryError) as refused:
        parse_segments(HEAD + line, "segments.toml")
    assert said in str(refused.value)
    assert "segments.toml, segment 1" in str(refused.value)
    assert refused.value.remedy


@pytest.mark.parametrize("name", ["back pain", " golf", ""])
def test_a_topic_must_be_a_single_word(name: str) -> None:
    with pytest.raises(LibraryError, match="empty or has a space in it"):
        parse_segments(f'[topics."{name}"]\ntitle = "A topic"\n')


def test_two_segments_with_the_same_name_are_refused() -> None:
    one = '[[segments]]\nname = "s"\nall = [{ booked = true }]\n'
    with pytest.raises(LibraryError, match="there twice"):
        parse_segments(one + one)
