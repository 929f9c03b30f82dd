"""Conditions are described in natural words, and no two of them alike."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from nurture.domain.audience.conditions import (
    All,
    AnyOf,
    Booked,
    Collected,
    Condition,
    Did,
    FilledIn,
    Has,
    InSequence,
    IsLevel,
    Not,
    Reached,
)
from nurture.domain.audience.engagement import EngagementLevel
from nurture.domain.audience.words import ConditionNames, say
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict
from tests.people import conditions

DAY = timedelta(days=1)
NAMES = ConditionNames(
    topics={"golf": "Golf"},
    sequences={"pain-guide": "9 key principles"},
    emails={"pain-guide/one": "Which leg?"},
)
GOLF = Did(EventKind.CLICKED, topic="golf", times=2, within=30 * DAY)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (GOLF, "clicked a link about Golf at least twice in the last 30 days"),
        (Did(EventKind.OPENED), "opened an email"),
        (Did(EventKind.OPENED, email="one", times=3), "opened “Which leg?” at least 3 times"),
        (
            Did(EventKind.CLICKED, email="pain-guide/one", within=DAY),
            "clicked a link in “Which leg?” in the last day",
        ),
        (
            Did(EventKind.CLICKED, link="https://x.org/", within=timedelta(hours=5)),
            "clicked the link https://x.org/ in the last 5 hours",
        ),
        (
            Did(EventKind.OPENED, verdicts=frozenset({Verdict.HUMAN, Verdict.UNSURE})),
            "opened an email (counting what was done by a person or we cannot tell who)",
        ),
        (Not(GOLF), "did not click a link about Golf at least twice in the last 30 days"),
        (Booked(), "booked a session"),
        (Not(Booked(90 * DAY)), "did not book a session in the last 90 days"),
        (Collected("pain-guide"), "collected the guide of “9 key principles”"),
        (Not(Collected()), "did not collect a guide"),
        (
            IsLevel(frozenset({EngagementLevel.COOLING, EngagementLevel.ASLEEP})),
            "is cooling or asleep",
        ),
        (InSequence("pain-guide"), "is or was in “9 key principles”"),
        (Not(InSequence("pain-guide")), "was never in “9 key principles”"),
        (
            InSequence("golf", frozenset({EnrolmentStatus.ACTIVE})),
            "is under way in “golf”",
        ),
        (Reached("pain-guide", "one"), "got as far as “Which leg?”"),
        (
            FilledIn("pain-guide", (("utm_source", "newsletter"),), 30 * DAY),
            "signed up for “9 key principles” by source newsletter in the last 30 days",
        ),
        (
            FilledIn(since=datetime(2026, 11, 1, tzinfo=UTC)),
            "signed up since 1 November 2026",
        ),
        (Has("confirmed", "no"), "did not confirm their address"),
        (Not(Has("tracking", "yes")), "did not agree to being followed"),
        (Has("first_name", "Ann"), "has the first name “Ann”"),
        (
            All((GOLF, Not(Booked()))),
            "clicked a link about Golf at least twice in the last 30 days, and did not book a "
            "session",
        ),
        (
            All((Booked(), AnyOf((Collected(), Has("confirmed", "yes"))))),
            "booked a session, and (collected a guide, or confirmed their address)",
        ),
        (
            Not(AnyOf((Booked(), Collected()))),
            "does none of these: booked a session, or collected a guide",
        ),
    ],
)
def test_a_condition_is_described_in_words(condition: Condition, said: str) -> None:
    assert say(condition, NAMES) == said


@given(conditions)
def test_every_condition_and_its_negation_have_a_description(condition: Condition) -> None:
    said = say(condition, ConditionNames())
    assert said and "{" not in said
    assert say(Not(condition), ConditionNames()) != said
