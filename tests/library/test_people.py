"""A file of people to simulate is parsed as written, or refused if it is invalid."""

from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain.simulation.person import Act, Deed, Habits
from nurture.domain.subscribers.consent import Purpose
from nurture.library.people import parse_people
from nurture.library.reading import LibraryError
from tests.domain.playing import GUIDE, sequence_of

SEQUENCE = sequence_of(GUIDE)
START = datetime(2026, 3, 27, 12, tzinfo=UTC)
ANNA = """
[[people]]
name      = "Anna"
signs_up  = 2026-03-28T18:30:00
time_zone = "America/New_York"
ticks     = ["tracking"]
collects  = "2 hours"
clicks    = true
reads_after = "30 minutes"
does = [
  { at = 2026-06-01, what = "books" },
  { after = "9 days", what = "clicks", email = "guide", topics = ["golf"] },
  { after = "1 day", what = "agrees", purpose = "health_topics" },
]
"""


def test_a_person_is_read_with_all_their_attributes_and_actions() -> None:
    [anna] = parse_people(ANNA, SEQUENCE, START, "Europe/London")
    assert anna.name == "Anna"
    assert anna.ticked == (Purpose.TRACKING,)
    two_hours = timedelta(hours=2)
    assert anna.habits == Habits(two_hours, clicks=True, reads_after=timedelta(minutes=30))
    at = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
    assert anna.acts == (
        Act(at, Deed.SIGNS_UP, "form"),
        Act(at + timedelta(days=1), Deed.AGREES, "health_topics"),
        Act(at + timedelta(days=9), Deed.CLICKS, "series/guide", frozenset({"golf"})),
        Act(datetime(2026, 6, 1, 16, tzinfo=UTC), Deed.BOOKS),
    )


def test_omitted_attributes_of_a_person_get_the_usual_default() -> None:
    [somebody] = parse_people("[[people]]", SEQUENCE, START, "Europe/London")
    assert somebody.name == "person 1"
    assert somebody.acts == (Act(START, Deed.SIGNS_UP, "form"),)
    assert somebody.habits == Habits(collects_after=timedelta(0))


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("", "people is missing"),
        ("people = 3", "people must be a list"),
        ("people = [3]", "person 1: it is not a table"),
        ("[[people]]\nage = 3", "age is not a setting"),
        ('[[people]]\ntime_zone = "Mars"', "time_zone is not known"),
        ('[[people]]\ncollects = "soon"', "person 1, collects: “soon” is not a length of time"),
        ("[[people]]\nsigns_up = 3", "signs_up: it is not a moment"),
        ("[[people]]\nsigns_up = 9999-12-31", "signs_up: 9999 is not in our time. Name a year"),
        ("[[people]]\nsigns_up = 0001-01-01", "signs_up: 1 is not in our time. Name a year"),
        ("[[people]]\nopens = 3", "opens: it must be true or false"),
        ('[[people]]\nticks = ["golf"]', "ticks: 'golf' is not a valid Purpose"),
        ('[[people]]\ndoes = [{ what = "books" }]', "does 1: it needs either at or after"),
        ('[[people]]\ndoes = [{ after = "1 day", what = "naps" }]', "“naps” is not known"),
        ('[[people]]\ndoes = [{ after = "1 day", what = "clicks" }]', "email is missing"),
    ],
)
def test_a_mistake_is_named_with_its_place(toml: str, said: str) -> None:
    with pytest.raises(LibraryError, match=said):
        parse_people(toml, SEQUENCE, START, "Europe/London")
