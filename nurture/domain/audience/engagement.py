"""What people are interested in and how active they are, in words the owner understands."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.audience.facts import Facts, Happened
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict

#: After this long, an event counts half as much.
HALF_LIFE = timedelta(days=45)

#: What each event says about interest: a click or a download is a deliberate act, an open a glance.
_WEIGHTS = {EventKind.CLICKED: 3.0, EventKind.DOWNLOADED: 3.0, EventKind.OPENED: 1.0}

#: An open that may be a machine's says only a little.
_UNSURE = 0.25

#: Below this an interest has faded.
_FADED = 0.2

NEW_FOR = timedelta(days=14)
ACTIVE_FOR = timedelta(days=30)
COOLING_FOR = timedelta(days=90)

#: The events that show a person is active; a machine's never count.
SIGNS_OF_LIFE = frozenset(
    {
        *(EventKind.OPENED, EventKind.CLICKED, EventKind.DOWNLOADED),
        *(EventKind.BOOKED, EventKind.STAYED, EventKind.REPLIED),
    }
)


class EngagementLevel(StrEnum):
    """How active a person is."""

    NEW = "new"
    ACTIVE = "active"
    COOLING = "cooling"
    ASLEEP = "asleep"


@dataclass(frozen=True, slots=True)
class Interest:
    """How interested a person currently is in a topic, and the events that show it."""

    topic: str
    score: float
    because: tuple[Happened, ...]


@dataclass(frozen=True, slots=True)
class Engagement:
    """A level, and the event or signup (with its time) that is the latest reason for it."""

    level: EngagementLevel
    since: datetime
    because: Happened | None


def interests(facts: Facts, now: datetime, health: Collection[str]) -> list[Interest]:
    """Return the topics that a person is interested in, the strongest first.

    Recent clicks and downloads count most, and old ones fade. Health topics are left out for people
    who have not agreed to their use.
    """
    found: dict[str, list[Happened]] = {}
    for event in facts.events:
        for topic in event.topics if _weight(event, now) else ():
            if topic not in health or facts.may_infer_health:
                found.setdefault(topic, []).append(event)
    scored = [_interest(topic, events, now) for topic, events in found.items()]
    return sorted((i for i in scored if i.score >= _FADED), key=lambda i: (-i.score, i.topic))


def engagement(facts: Facts, now: datetime) -> Engagement:
    """Return how active a person is, judged by their latest sign of life."""
    signs = (e for e in facts.events if e.kind in SIGNS_OF_LIFE and e.verdict is Verdict.HUMAN)
    latest = max(signs, key=lambda event: event.at, default=None)
    signed_up = max([facts.created_at, *(signup.at for signup in facts.signups)])
    since = max(signed_up, latest.at) if latest else signed_up
    because = latest if latest and latest.at == since else None
    return Engagement(_level(facts.created_at, since, now), since, because)


def _level(created_at: datetime, since: datetime, now: datetime) -> EngagementLevel:
    if created_at > now - NEW_FOR:
        return EngagementLevel.NEW
    if since > now - ACTIVE_FOR:
        return EngagementLevel.ACTIVE
    return EngagementLevel.COOLING if since > now - COOLING_FOR else EngagementLevel.ASLEEP


def _interest(topic: str, events: list[Happened], now: datetime) -> Interest:
    score = sum(_weight(event, now) for event in events)
    return Interest(topic, score, tuple(sorted(events, key=lambda event: event.at, reverse=True)))


def _weight(event: Happened, now: datetime) -> float:
    certain = 1.0 if event.verdict is Verdict.HUMAN else 0.0
    if event.kind is EventKind.OPENED and event.verdict is Verdict.UNSURE:
        certain = _UNSURE
    age = max(now - event.at, timedelta(0))
    faded: float = 0.5 ** (age / HALF_LIFE)
    return _WEIGHTS.get(event.kind, 0.0) * certain * faded
