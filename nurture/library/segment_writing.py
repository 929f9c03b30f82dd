"""Writes a condition back as the table that `nurture.library.segments` reads it from."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from nurture.domain.engagement import Verdict
from nurture.domain.segment import (
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

_HUMAN = frozenset({Verdict.HUMAN})


def as_table(condition: Condition) -> dict[str, Any]:
    """The table with one key that means this condition; `parse_condition` is the inverse."""
    match condition:
        case All(conditions):
            return {"all": [as_table(one) for one in conditions]}
        case AnyOf(conditions):
            return {"any": [as_table(one) for one in conditions]}
        case Not(inner):
            return {"not": as_table(inner)}
        case Did(kind=kind):
            return {str(kind): _or_true(_did(condition))}
        case FilledIn():
            return {"signed_up": _or_true(_filled_in(condition))}
        case Booked(within):
            return {"booked": _or_true(_within(within))}
        case InSequence(sequence, statuses):
            named = {"status": sorted(map(str, statuses))} if statuses else {}
            return {"in": {"sequence": sequence} | named}
        case Reached(sequence, step):
            return {"reached": {"sequence": sequence, "step": step}}
        case Collected(sequence):
            return {"collected": sequence or True}
        case IsLevel(levels):
            return {"level": sorted(map(str, levels))}
        case Has(attribute, value):
            return {"attribute": {attribute: value}}


def _did(wanted: Did) -> dict[str, Any]:
    named = {"email": wanted.email, "link": wanted.link, "topic": wanted.topic}
    said: dict[str, Any] = {name: value for name, value in named.items() if value}
    said |= _within(wanted.within)
    if wanted.times > 1:
        said["times"] = wanted.times
    if wanted.verdicts != _HUMAN:
        [*verdicts] = wanted.verdicts
        said["verdict"] = str(verdicts[0]) if len(verdicts) == 1 else "any"
    return said


def _filled_in(wanted: FilledIn) -> dict[str, Any]:
    said: dict[str, Any] = {"form": wanted.form} if wanted.form else {}
    said |= dict(wanted.utm) | _within(wanted.within)
    days: Mapping[str, datetime | None] = {"since": wanted.since, "before": wanted.before}
    return said | {name: day.date() for name, day in days.items() if day is not None}


def _within(length: timedelta | None) -> dict[str, str]:
    """In the largest unit that says it exactly."""
    if length is None:
        return {}
    seconds = int(length.total_seconds())
    for unit, size in (("days", 86400), ("hours", 3600)):
        if seconds % size == 0:
            return {"within": f"{seconds // size} {unit}"}
    return {"within": f"{seconds // 60} minutes"}


def _or_true(said: dict[str, Any]) -> dict[str, Any] | bool:
    return said or True
