"""What a condition means for one person, especially health consent and engagement levels."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.audience.conditions import (
    Did,
    Not,
    Segment,
    Segments,
    Topic,
    holds,
    needs_health_consent,
)
from nurture.domain.audience.engagement import HALF_LIFE, EngagementLevel, engagement, interests
from nurture.domain.audience.facts import Facts, Happened, SignedUp
from nurture.domain.subscribers.consent import Consents, Purpose
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict
from tests.people import HEALTH, NOW, people

AGREED = Consents(frozenset({Purpose.HEALTH_TOPICS}))


def click(
    *topics: str, days: float = 1, verdict: Verdict | None = Verdict.HUMAN, email: str = "s/one"
) -> Happened:
    """Return a click on a link about these topics, a given number of days ago."""
    at = NOW - timedelta(days=days)
    return Happened(EventKind.CLICKED, at, verdict, email, "https://x.example", frozenset(topics))


def person(*events: Happened, consents: Consents | None = None, joined: float = 100) -> Facts:
    """Return a person who signed up a given number of days ago."""
    at = NOW - timedelta(days=joined)
    signup = SignedUp("pain-guide", at)
    return Facts(at, consents or Consents(), signups=(signup,), events=events)


def clicked(**wanted: object) -> Did:
    """Return a condition on clicks."""
    return Did(EventKind.CLICKED, **wanted)  # type: ignore[arg-type]


def test_a_topic_unrelated_to_health_needs_no_health_consent() -> None:
    twice = clicked(topic="golf", times=2)
    assert holds(twice, person(click("golf"), click("golf", days=9)), NOW, HEALTH)
    assert not holds(twice, person(click("golf")), NOW, HEALTH)


@pytest.mark.parametrize(
    "condition",
    [clicked(topic="back-pain"), clicked(email="s/one"), clicked(link="https://x.example")],
    ids=["by topic", "by the email", "by the link"],
)
def test_activity_on_a_health_topic_counts_only_with_health_consent(condition: Did) -> None:
    event = click("back-pain", "strength")
    assert not holds(condition, person(event), NOW, HEALTH)
    assert holds(condition, person(event, consents=AGREED), NOW, HEALTH)


def test_a_non_health_topic_of_the_same_email_still_counts() -> None:
    assert holds(clicked(topic="strength"), person(click("back-pain", "strength")), NOW, HEALTH)


def test_a_condition_without_a_topic_needs_no_health_consent() -> None:
    assert holds(clicked(), person(click("back-pain")), NOW, HEALTH)


def test_a_negation_treats_a_health_click_without_consent_as_no_click() -> None:
    condition = Not(clicked(topic="back-pain"))
    assert holds(condition, person(click("back-pain")), NOW, HEALTH)
    assert holds(condition, person(), NOW, HEALTH)


@pytest.mark.parametrize("verdict", [Verdict.MACHINE, Verdict.UNSURE, None])
def test_activity_not_judged_human_counts_for_nothing(verdict: Verdict | None) -> None:
    assert not holds(clicked(), person(click("golf", verdict=verdict)), NOW, HEALTH)
    assert interests(person(click("golf", verdict=verdict)), NOW, HEALTH) == []


def test_the_owner_sees_which_health_topics_a_segment_uses() -> None:
    condition = Not(clicked(topic="rehab"))
    assert needs_health_consent(condition, HEALTH, {}) == {"rehab"}


def test_a_condition_on_an_email_or_link_needs_consent_for_its_health_topics() -> None:
    about = {"pain-guide/one": {"rehab", "golf"}, "https://example.org/back": {"back-pain"}}
    link = Did(EventKind.CLICKED, link="https://example.org/back")
    for email in ("one", "pain-guide/one"):
        assert needs_health_consent(Did(EventKind.OPENED, email), HEALTH, about) == {"rehab"}
    assert needs_health_consent(link, HEALTH, about) == {"back-pain"}
    assert needs_health_consent(clicked(), HEALTH, about) == frozenset()


def test_a_person_is_in_every_segment_whose_condition_they_meet() -> None:
    golf = Segment("golfers", "Golfers", "", clicked(topic="golf"))
    sore = Segment("sore", "Sore", "", clicked(topic="back-pain"))
    topics = {"back-pain": Topic("back-pain", "Back pain", health=True)}
    known = Segments(topics, {"golfers": golf, "sore": sore})
    assert known.of(person(click("golf", "back-pain")), NOW) == {"golfers"}
    both = person(click("golf", "back-pain"), consents=AGREED)
    assert known.of(both, NOW) == {"golfers", "sore"}


@pytest.mark.parametrize(
    ("joined", "last_click", "level"),
    [
        (3, None, EngagementLevel.NEW),
        (3, 1, EngagementLevel.NEW),
        (20, None, EngagementLevel.ACTIVE),
        (200, 29, EngagementLevel.ACTIVE),
        (200, 31, EngagementLevel.COOLING),
        (200, 89, EngagementLevel.COOLING),
        (200, 91, EngagementLevel.ASLEEP),
        (200, None, EngagementLevel.ASLEEP),
    ],
)
def test_the_engagement_level_follows_the_last_human_activity(
    joined: float, last_click: float | None, level: EngagementLevel
) -> None:
    events = [click("golf", days=last_click)] if last_click else []
    found = engagement(person(*events, joined=joined), NOW)
    assert found.level is level
    assert (found.because in events) is bool(events)


def test_machine_activity_does_not_raise_the_engagement_level() -> None:
    busy = person(click("golf", verdict=Verdict.MACHINE), joined=200)
    assert engagement(busy, NOW).level is EngagementLevel.ASLEEP


def test_a_recent_click_outweighs_an_old_one_and_each_interest_names_its_events() -> None:
    old, new = click("golf", days=HALF_LIFE.days), click("strength", days=0)
    first, second = interests(person(old, new), NOW, HEALTH)
    assert (first.topic, second.topic) == ("strength", "golf")
    assert first.score == pytest.approx(2 * second.score)
    assert first.because == (new,)


def test_an_interest_in_health_is_not_inferred_without_consent() -> None:
    event = click("back-pain", "golf")
    assert [i.topic for i in interests(person(event), NOW, HEALTH)] == ["golf"]
    agreed = person(event, consents=AGREED)
    assert {i.topic for i in interests(agreed, NOW, HEALTH)} == {"back-pain", "golf"}


@given(facts=people, later=st.integers(0, 400))
def test_an_interest_only_decreases_over_time(facts: Facts, later: int) -> None:
    now: datetime = NOW + timedelta(days=later)
    before = {i.topic: i.score for i in interests(facts, NOW, HEALTH)}
    after = {i.topic: i.score for i in interests(facts, now, HEALTH)}
    assert all(score <= before[topic] + 1e-9 for topic, score in after.items())
