"""Conditions as rows of menus, which the owner can build without writing anything.

A `RowGroup` is a list of rows of which all, any or none must be true, with at most one level of
groups inside it. A condition that does not fit is left unchanged and is edited as text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

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


class GroupKind(StrEnum):
    """How many parts of a group must be true."""

    ALL = "all"
    ANY = "any"
    NONE = "none"


class Kind(StrEnum):
    """What a row asks about."""

    CLICKED = "clicked"
    OPENED = "opened"
    BOOKED = "booked"
    REPLIED = "replied"
    COLLECTED = "collected"
    SIGNED_UP = "signed-up"
    LEVEL = "level"
    IN = "in"
    REACHED = "reached"
    CONFIRMED = "confirmed"
    TRACKING = "tracking"
    FEWER = "fewer"


#: The prefixes of the values in the menu of what was clicked or opened.
TOPIC, EMAIL, LINK = "topic:", "email:", "link:"

_HUMAN = frozenset({Verdict.HUMAN})
_EVENTS = {Kind.CLICKED: EventKind.CLICKED, Kind.OPENED: EventKind.OPENED}
_ATTRIBUTES = {
    Kind.CONFIRMED: ("confirmed", "yes", "no"),
    Kind.TRACKING: ("tracking", "yes", "no"),
    Kind.FEWER: ("frequency", "fewer", "usual"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of menus.

    `what` is the topic, email or link (prefixed with `TOPIC`, `EMAIL` or `LINK`), the sequence, its
    step (`sequence/step`), the form, or the levels (joined by +); empty means anything. `state` is
    that of an enrolment, and `days` is how far back to look, 0 for no limit.
    """

    kind: Kind
    isnt: bool = False
    what: str = ""
    state: str = ""
    times: int = 1
    days: int = 0


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows, and groups of rows, of which all, any or none must be true."""

    how: GroupKind
    rows: tuple[Row, ...] = ()
    groups: tuple["RowGroup", ...] = ()


def as_condition(group: RowGroup) -> Condition | None:
    """Return the condition that a group expresses, or `None` if the group is empty."""
    inner = [one for one in map(as_condition, group.groups) if one is not None]
    parts = (*map(_of_row, group.rows), *inner)
    if not parts:
        return None
    match group.how:
        case GroupKind.ALL:
            return All(parts)
        case GroupKind.ANY:
            return AnyOf(parts)
    return Not(AnyOf(parts))


def as_group(condition: Condition) -> RowGroup | None:
    """Return the group equivalent to a condition, or `None` if menus cannot express it."""
    how, conditions = _taken_apart(condition)
    return _group(how, conditions, nested=True)


def _group(how: GroupKind, conditions: Iterable[Condition], nested: bool) -> RowGroup | None:
    rows: list[Row] = []
    groups: list[RowGroup] = []
    for one in conditions:
        if row := _as_row(one):
            rows.append(row)
        elif nested and (inner := _group(*_taken_apart(one), nested=False)):
            groups.append(inner)
        else:
            return None
    return RowGroup(how, tuple(rows), tuple(groups))


def _taken_apart(condition: Condition) -> tuple[GroupKind, tuple[Condition, ...]]:
    match condition:
        case All(conditions):
            return GroupKind.ALL, conditions
        case AnyOf(conditions):
            return GroupKind.ANY, conditions
        case Not(AnyOf(conditions)):
            return GroupKind.NONE, conditions
        case Not(All() as inner):
            return GroupKind.NONE, (inner,)
    return GroupKind.ALL, (condition,)


def _of_row(row: Row) -> Condition:
    found = _leaf(row)
    return Not(found) if row.isnt else found


def _leaf(row: Row) -> Condition:
    within = timedelta(days=row.days) if row.days else None
    match row.kind:
        case Kind.CLICKED | Kind.OPENED:
            return Did(
                _EVENTS[row.kind],
                email=_after(EMAIL, row.what),
                link=_after(LINK, row.what),
                topic=_after(TOPIC, row.what),
                within=within,
                times=row.times,
            )
        case Kind.BOOKED:
            return Booked(within)
        case Kind.REPLIED:
            return Replied(within)
        case Kind.COLLECTED:
            return Collected(row.what)
        case Kind.SIGNED_UP:
            return FilledIn(form=row.what, within=within)
        case Kind.LEVEL:
            return IsLevel(frozenset(EngagementLevel(word) for word in row.what.split("+")))
        case Kind.IN:
            states = frozenset({EnrolmentStatus(row.state)} if row.state else ())
            return InSequence(row.what, states)
        case Kind.REACHED:
            sequence, _, step = row.what.partition("/")
            return Reached(sequence, step)
    attribute, yes, _ = _ATTRIBUTES[row.kind]
    return Has(attribute, yes)


def _after(start: str, what: str) -> str:
    return what.removeprefix(start) if what.startswith(start) else ""


def _as_row(condition: Condition, isnt: bool = False) -> Row | None:
    match condition:
        case Not(inner) if not isnt:
            return _as_row(inner, isnt=True)
        case Did():
            return _did(condition, isnt)
        case Booked(within):
            return _dated(Row(Kind.BOOKED, isnt), within)
        case Replied(within):
            return _dated(Row(Kind.REPLIED, isnt), within)
        case Collected(sequence):
            return Row(Kind.COLLECTED, isnt, sequence)
        case FilledIn(form, (), within, None, None):
            return _dated(Row(Kind.SIGNED_UP, isnt, form), within)
        case IsLevel(levels):
            return Row(
                Kind.LEVEL, isnt, "+".join(level for level in EngagementLevel if level in levels)
            )
        case InSequence(sequence, statuses) if len(statuses) <= 1:
            return Row(Kind.IN, isnt, sequence, "".join(statuses))
        case Reached(sequence, step):
            return Row(Kind.REACHED, isnt, f"{sequence}/{step}")
        case Has(attribute, value):
            return _has(attribute, value, isnt)
    return None


def _did(wanted: Did, isnt: bool) -> Row | None:
    named = ((TOPIC, wanted.topic), (EMAIL, wanted.email), (LINK, wanted.link))
    said = [start + word for start, word in named if word]
    if len(said) > 1 or wanted.verdicts != _HUMAN:
        return None
    kind = Kind.CLICKED if wanted.kind is EventKind.CLICKED else Kind.OPENED
    return _dated(Row(kind, isnt, "".join(said), times=wanted.times), wanted.within)


def _has(attribute: str, value: str, isnt: bool) -> Row | None:
    for kind, (name, yes, no) in _ATTRIBUTES.items():
        if attribute == name and value in (yes, no):
            return Row(kind, isnt != (value == no))
    return None


def _dated(row: Row, within: timedelta | None) -> Row | None:
    """Return the row with its look-back period, or `None` if that is not in whole days."""
    if within is None:
        return row
    if within % timedelta(days=1) or not within:
        return None
    days = within // timedelta(days=1)
    return Row(row.kind, row.isnt, row.what, row.state, row.times, days)
