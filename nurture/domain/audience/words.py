"""Conditions in words: what a segment requires of a person, as one would say it.

Each phrase is in the third person and continues a sentence that begins “Everyone who”.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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
    Replied,
)
from nurture.domain.audience.engagement import EngagementLevel
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ConditionNames:
    """The names of what conditions refer to by key; emails are keyed by `sequence/step`."""

    topics: Mapping[str, str] = field(default_factory=dict)
    sequences: Mapping[str, str] = field(default_factory=dict)
    emails: Mapping[str, str] = field(default_factory=dict)

    def email(self, key: str) -> str:
        """Return the name of an email, given its full key or its step alone in any sequence."""
        found = self.emails.get(key) or next(
            (said for one, said in self.emails.items() if one.partition("/")[2] == key), key
        )
        return f"“{found}”"

    def sequence(self, key: str) -> str:
        """Return the title of a sequence."""
        return f"“{self.sequences.get(key, key)}”"


#: A sequence in one of its states, worded for those who are in it and for those who are not.
_STATES = {
    EnrolmentStatus.ACTIVE: ("is under way in {}", "is not under way in {}"),
    EnrolmentStatus.COMPLETED: ("came to the end of {}", "did not come to the end of {}"),
    EnrolmentStatus.GOAL_REACHED: ("booked while in {}", "did not book while in {}"),
    EnrolmentStatus.UNSUBSCRIBED: ("unsubscribed while in {}", "did not unsubscribe while in {}"),
    EnrolmentStatus.SUPPRESSED: ("left {} for a bad address", "did not leave {} for a bad address"),
    EnrolmentStatus.REMOVED: ("was taken out of {}", "was not taken out of {}"),
}
_ATTRIBUTES = {
    ("confirmed", "yes"): ("confirmed their address", "did not confirm their address"),
    ("tracking", "yes"): ("agreed to being followed", "did not agree to being followed"),
    ("frequency", "fewer"): ("wants fewer emails", "does not want fewer emails"),
    ("frequency", "usual"): ("wants the usual emails", "does not want the usual emails"),
}
_TIMES = {1: "", 2: " at least twice"}


def say(condition: Condition, names: ConditionNames) -> str:
    """Return a condition in words, without a capital letter or a full stop."""
    match condition:
        case All(conditions):
            return _joined(conditions, names, "and")
        case AnyOf(conditions):
            return _joined(conditions, names, "or")
        case Not(AnyOf(conditions)) if len(conditions) > 1:
            return f"does none of these: {_joined(conditions, names, 'or')}"
        case Not(All() | AnyOf() | Not() as inner):
            return f"does not do this: {say(inner, names)}"
        case Not(inner):
            return _leaf(inner, names)[1]
    return _leaf(condition, names)[0]


def say_length(length: timedelta | None) -> str:
    """Return how far back to look, with a leading space, or an empty string for no limit."""
    if length is None:
        return ""
    hours, rest = divmod(int(length.total_seconds()), 3600)
    if rest:
        return f" in the last {int(length.total_seconds()) // 60} minutes"
    if hours % 24:
        return f" in the last {_counted(hours, 'hour')}"
    return f" in the last {_counted(hours // 24, 'day')}"


def _joined(conditions: tuple[Condition, ...], names: ConditionNames, word: str) -> str:
    """Join the parts, with nested lists in brackets so that they cannot be misread."""
    said = [
        f"({say(one, names)})"
        if isinstance(one, All | AnyOf) and len(one.conditions) > 1
        else say(one, names)
        for one in conditions
    ]
    *many, last = said
    return f"{', '.join(many)}, {word} {last}" if many else last


def _leaf(condition: Condition, names: ConditionNames) -> tuple[str, str]:
    """Return two phrases: for people who meet the condition and for those who do not."""
    match condition:
        case Did():
            return _did(condition, names)
        case FilledIn():
            return _filled_in(condition, names)
        case InSequence(sequence, statuses):
            return _in(names.sequence(sequence), statuses)
        case Reached(sequence, step):
            email = names.email(f"{sequence}/{step}")
            return f"got as far as {email}", f"did not get as far as {email}"
        case Collected(sequence):
            guide = f"the guide of {names.sequence(sequence)}" if sequence else "a guide"
            return f"collected {guide}", f"did not collect {guide}"
        case Booked(within):
            when = say_length(within)
            return f"booked a session{when}", f"did not book a session{when}"
        case Replied(within):
            when = say_length(within)
            return f"replied to an email{when}", f"did not reply to an email{when}"
        case IsLevel(levels):
            said = _or([str(level) for level in EngagementLevel if level in levels])
            return f"is {said}", f"is not {said}"
        case Has(attribute, value):
            return _has(attribute, value)
    raise TypeError(f"{condition!r} is no condition")


def _did(wanted: Did, names: ConditionNames) -> tuple[str, str]:
    clicked = wanted.kind is EventKind.CLICKED
    what = names.email(wanted.email) if wanted.email else "an email"
    if clicked and wanted.link:
        what = f"the link {wanted.link}" + (f" in {what}" if wanted.email else "")
    elif clicked:
        what = f"a link in {what}" if wanted.email else "a link"
    about = f" about {names.topics.get(wanted.topic, wanted.topic)}" if wanted.topic else ""
    times = _TIMES.get(wanted.times, f" at least {wanted.times} times")
    rest = f"{what}{about}{times}{say_length(wanted.within)}{_sure(wanted.verdicts)}"
    done, do = ("clicked", "click") if clicked else ("opened", "open")
    return f"{done} {rest}", f"did not {do} {rest}"


def _sure(verdicts: frozenset[Verdict]) -> str:
    if verdicts == {Verdict.HUMAN}:
        return ""
    who = {
        Verdict.HUMAN: "a person",
        Verdict.MACHINE: "a program",
        Verdict.UNSURE: "we cannot tell who",
    }
    return f" (counting what was done by {_or([who[one] for one in sorted(verdicts)])})"


def _in(sequence: str, statuses: frozenset[EnrolmentStatus]) -> tuple[str, str]:
    if not statuses:
        return f"is or was in {sequence}", f"was never in {sequence}"
    named = [status for status in EnrolmentStatus if status in statuses]
    is_so = [_STATES[status][0].format(sequence) for status in named]
    is_not = [_STATES[status][1].format(sequence) for status in named]
    return _or(is_so), ", and ".join(is_not)


def _filled_in(wanted: FilledIn, names: ConditionNames) -> tuple[str, str]:
    form = f" for {names.sequence(wanted.form)}" if wanted.form else ""
    utm = "".join(f" by {name.removeprefix('utm_')} {value}" for name, value in wanted.utm)
    since = f" since {_day(wanted.since)}" if wanted.since else ""
    before = f" before {_day(wanted.before)}" if wanted.before else ""
    rest = f"{form}{utm}{say_length(wanted.within)}{since}{before}"
    return f"signed up{rest}", f"did not sign up{rest}"


def _has(attribute: str, value: str) -> tuple[str, str]:
    if (attribute, value) in _ATTRIBUTES:
        return _ATTRIBUTES[attribute, value]
    if (attribute, value) in (("confirmed", "no"), ("tracking", "no")):
        is_so, is_not = _ATTRIBUTES[attribute, "yes"]
        return is_not, is_so
    name = attribute.replace("_", " ")
    return f"has the {name} “{value}”", f"does not have the {name} “{value}”"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _or(words: list[str]) -> str:
    *many, last = words
    return f"{', '.join(many)} or {last}" if many else last


def _counted(number: int, unit: str) -> str:
    return unit if number == 1 else f"{number} {unit}s"
