"""Segments: named conditions on people.

A condition is a small tree of values. This module evaluates it on the facts of one person, and
`nurture.store.queries.segments` translates the same tree into SQL for all of them; a property test
keeps the two in agreement.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nurture.domain.audience.engagement import EngagementLevel, engagement
from nurture.domain.audience.facts import Enrolled, Facts, Happened, SignedUp
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict


@dataclass(frozen=True, slots=True)
class All:
    """A condition that is true if all of its parts are true."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A condition that is true if at least one of its parts is true."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """A condition that is true if the one inside it is false."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Did:
    """At least `times` opens or clicks of what is named (empty: anything).

    `email` is `sequence/step`, or a step alone for that email in any sequence.
    """

    kind: EventKind
    email: str = ""
    link: str = ""
    topic: str = ""
    within: timedelta | None = None
    times: int = 1
    verdicts: frozenset[Verdict] = frozenset({Verdict.HUMAN})


@dataclass(frozen=True, slots=True)
class InSequence:
    """Membership of a sequence, now or in the past, in one of these states (none: any)."""

    sequence: str
    statuses: frozenset[EnrolmentStatus] = frozenset()


@dataclass(frozen=True, slots=True)
class Reached:
    """Progress past a step of a sequence, whether it was sent or skipped."""

    sequence: str
    step: str


@dataclass(frozen=True, slots=True)
class Collected:
    """Collection of a sequence's guide (empty: any guide)."""

    sequence: str = ""


@dataclass(frozen=True, slots=True)
class Booked:
    """A booked session."""

    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Replied:
    """A reply to one of our emails, written by a person."""

    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class IsLevel:
    """One of these levels of engagement."""

    levels: frozenset[EngagementLevel]


@dataclass(frozen=True, slots=True)
class FilledIn:
    """A submission of a form (empty: any), with these UTM parameters, in a given period."""

    form: str = ""
    utm: tuple[tuple[str, str], ...] = ()
    within: timedelta | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Has:
    """An attribute of the person with this value; see `ATTRIBUTES`."""

    attribute: str
    value: str


Condition = (
    All
    | AnyOf
    | Not
    | Did
    | InSequence
    | Reached
    | Collected
    | Booked
    | Replied
    | IsLevel
    | FilledIn
    | Has
)

#: The attributes that exist, and what each looks like as text.
ATTRIBUTES = ("confirmed", "first_name", "frequency", "time_zone", "tracking")


@dataclass(frozen=True, slots=True)
class Topic:
    """What emails and links are about; `health` if interest in it says something about health."""

    key: str
    title: str
    health: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """A named condition."""

    name: str
    title: str
    about: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Segments:
    """All the practice's segments, and the topics they may refer to."""

    topics: Mapping[str, Topic] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)

    @property
    def health(self) -> frozenset[str]:
        """The topics that reveal something about a person's health."""
        return frozenset(key for key, topic in self.topics.items() if topic.health)

    def of(self, facts: Facts, now: datetime) -> frozenset[str]:
        """Return the names of the segments that a person is in."""
        return frozenset(
            name
            for name, segment in self.segments.items()
            if holds(segment.condition, facts, now, self.health)
        )


def holds(condition: Condition, facts: Facts, now: datetime, health: Collection[str]) -> bool:
    """Return whether a condition is true of a person at a given moment.

    `health` are the topics about health. Activity on such a topic counts only if the person agreed
    to that, whether the condition names the topic, the email or the link.
    """
    match condition:
        case All(conditions):
            return all(holds(c, facts, now, health) for c in conditions)
        case AnyOf(conditions):
            return any(holds(c, facts, now, health) for c in conditions)
        case Not(inner):
            return not holds(inner, facts, now, health)
        case Did():
            return _did(condition, facts, now, health)
        case _:
            return _is(condition, facts, now)


def parts(condition: Condition) -> Iterator[Condition]:
    """Yield the condition and every condition inside it."""
    yield condition
    match condition:
        case All(inner) | AnyOf(inner):
            for one in inner:
                yield from parts(one)
        case Not(one):
            yield from parts(one)


#: Far more than anyone can keep in mind; thousands took minutes to count.
MOST_CONDITIONS, MOST_CONDITIONS_IN_ALL = 60, 1_000


def how_many(condition: Condition) -> int:
    """Count the conditions in a tree, leaving out those that only join others."""
    joining = All | AnyOf | Not
    return sum(
        1 + (len(part.utm) if isinstance(part, FilledIn) else 0)
        for part in parts(condition)
        if not isinstance(part, joining)
    )


def excess_of(condition: Condition) -> str:
    """Say what is excessive about a condition, or return an empty string.

    The text continues a sentence that begins with the condition's name.
    """
    if (count := how_many(condition)) <= MOST_CONDITIONS:
        return ""
    return f"it has {count:,} conditions; keep them under {MOST_CONDITIONS}, or make two of it."


def needs_health_consent(
    condition: Condition, health: Collection[str], about: Mapping[str, Collection[str]]
) -> frozenset[str]:
    """Return the health topics that a condition looks at, directly or through what it names.

    `about` maps every email (`sequence/step`) and link to its topics.
    """
    looked_at = (
        topic
        for part in parts(condition)
        if isinstance(part, Did)
        for topic in _looked_at(part, about)
    )
    return frozenset(looked_at).intersection(health)


def _looked_at(wanted: Did, about: Mapping[str, Collection[str]]) -> Iterator[str]:
    if wanted.topic:
        yield wanted.topic
        return
    for name, topics in about.items():
        if name == wanted.link or (wanted.email and is_email(wanted.email, name)):
            yield from topics


def _did(wanted: Did, facts: Facts, now: datetime, health: Collection[str]) -> bool:
    after = now - wanted.within if wanted.within is not None else None
    count = sum(
        _matches(wanted, event)
        and (after is None or event.at > after)
        and (facts.may_infer_health or not _tells_of_health(wanted, event, health))
        for event in facts.events
    )
    return count >= wanted.times


def _matches(wanted: Did, event: Happened) -> bool:
    return (
        event.kind is wanted.kind
        and event.verdict in wanted.verdicts
        and (not wanted.email or is_email(wanted.email, event.email))
        and (not wanted.link or event.link == wanted.link)
        and (not wanted.topic or wanted.topic in event.topics)
    )


def is_email(wanted: str, email: str) -> bool:
    """Return whether an email (`sequence/step`) is the one named, perhaps by its step alone."""
    return email == wanted if "/" in wanted else email.partition("/")[2] == wanted


def _tells_of_health(wanted: Did, event: Happened, health: Collection[str]) -> bool:
    """Return whether the activity is about health.

    A named email or link has topics of its own; “anything” has none.
    """
    if wanted.topic:
        return wanted.topic in health
    return bool(wanted.email or wanted.link) and not event.topics.isdisjoint(health)


def _is(condition: Condition, facts: Facts, now: datetime) -> bool:
    match condition:
        case InSequence(sequence, statuses):
            return any(
                e.sequence == sequence and (not statuses or e.status in statuses)
                for e in facts.enrolments
            )
        case Reached(sequence, step):
            return any(e.sequence == sequence and step in e.passed for e in facts.enrolments)
        case Collected(sequence):
            return any(_collected(sequence, e) for e in facts.enrolments)
        case Booked(within):
            return _did_lately(EventKind.BOOKED, within, facts, now)
        case Replied(within):
            return _did_lately(EventKind.REPLIED, within, facts, now)
        case IsLevel(levels):
            return engagement(facts, now).level in levels
        case FilledIn():
            return any(_filled_in(condition, signup, now) for signup in facts.signups)
        case Has(attribute, value):
            return attribute_of(facts, attribute) == value
    raise TypeError(f"{condition!r} is no condition")


def _did_lately(kind: EventKind, within: timedelta | None, facts: Facts, now: datetime) -> bool:
    return any(e.kind is kind and (within is None or e.at > now - within) for e in facts.events)


def _collected(sequence: str, enrolled: Enrolled) -> bool:
    return enrolled.collected_at is not None and sequence in ("", enrolled.sequence)


def _filled_in(wanted: FilledIn, signup: SignedUp, now: datetime) -> bool:
    return (
        wanted.form in ("", signup.form)
        and all(signup.utm.get(name) == value for name, value in wanted.utm)
        and (wanted.within is None or signup.at > now - wanted.within)
        and (wanted.since is None or signup.at >= wanted.since)
        and (wanted.before is None or signup.at < wanted.before)
    )


def attribute_of(facts: Facts, attribute: str) -> str:
    """Return the value of one of `ATTRIBUTES` as text: “yes” or “no” for the boolean ones."""
    match attribute:
        case "confirmed":
            return "yes" if facts.confirmed else "no"
        case "tracking":
            return "yes" if "tracking" in facts.consents.purposes else "no"
    return str(getattr(facts, attribute))
