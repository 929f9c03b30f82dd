"""Reading `segments.toml`: the topics, and the segments as the owner writes them.

    [[segments]]
    name = "ready-to-book"
    title = "Ready to book"
    all = [
      { clicked = { within = "30 days", times = 2 } },
      { not = { booked = true } },
    ]

A condition is a table with one key. `writing` turns one back into such a table.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from nurture.domain.audience.conditions import (
    ATTRIBUTES,
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
    Segment,
    Segments,
    Topic,
)
from nurture.domain.audience.engagement import EngagementLevel
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import parse_length
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict
from nurture.library.reading import (
    LibraryError,
    expect,
    expect_texts,
    read_as,
    read_toml,
    refuse_unknown,
    wanted,
)

#: Deeper than anyone needs, and shallow enough for every database.
_DEEPEST = 8

#: More than this in one list is a mistake.
_WIDEST = 50

#: A campaign parameter's name; SQLite cannot look up one that contains a quote.
_UTM = re.compile(r"utm_[\w.-]+")

_Word = TypeVar("_Word", Verdict, EnrolmentStatus, EngagementLevel)


def parse_segments(toml: str, place: str = "segments.toml") -> Segments:
    """Read topics and segments; raise `LibraryError` naming the segment and the field."""
    values = read_toml(toml, place)
    expect(values, "topics", dict, place)
    expect(values, "segments", list, place)
    refuse_unknown(values, {"topics", "segments"}, place)
    topics = {key: _topic(key, said, place) for key, said in values["topics"].items()}
    read = [_segment(said, f"{place}, segment {n}") for n, said in enumerate(values["segments"], 1)]
    if twice := sorted(name for name, n in Counter(one.name for one in read).items() if n > 1):
        raise LibraryError(f"{place}: “{twice[0]}” is there twice.", remedy="Rename one.")
    return Segments(topics, {segment.name: segment for segment in read})


def _topic(key: str, said: Any, place: str) -> Topic:
    here = f"{place}, topic {key}"
    if not isinstance(said, dict):
        raise LibraryError(f"{here}: it is not a table.", remedy=f"Write [topics.{key}].")
    refuse_unknown(said, {"title", "health"}, here)
    expect_texts(said, {"title"}, here)
    if key.split() != [key]:
        raise LibraryError(
            f"{here}: its name is empty or has a space in it.", remedy="Write it with hyphens."
        )
    if not isinstance(said.get("health", False), bool):
        raise LibraryError(f"{here}: health must be true or false.", remedy="Take the quotes away.")
    return Topic(key, said.get("title", key), said.get("health", False))


_TREES = ("all", "any", "not")


def _segment(said: Any, place: str) -> Segment:
    if not isinstance(said, dict):
        raise LibraryError(f"{place}: it is not a table.", remedy="Begin each with [[segments]].")
    refuse_unknown(said, {"name", "title", "about", *_TREES}, place)
    expect_texts(said, {"name", "title", "about"}, place)
    name = wanted(said, "name", place)
    if name.split() != [name]:
        raise LibraryError(f"{place}: name has a space in it.", remedy="Write it with hyphens.")
    here = f"{place} “{name}”"
    trees = {key: said[key] for key in _TREES if key in said}
    if len(trees) != 1:
        raise LibraryError(f"{here}: it needs one of all, any or not.", remedy="Write all = […].")
    condition = parse_condition(trees, here)
    return Segment(name, said.get("title", name), said.get("about", ""), condition)


def parse_condition(said: Any, place: str, depth: int = 0) -> Condition:
    """Read one condition, a table with one key, or raise `LibraryError`."""
    if depth > _DEEPEST:
        raise LibraryError(f"{place}: it nests too deep.", remedy="Make two segments of it.")
    if not isinstance(said, dict) or len(said) != 1:
        raise LibraryError(
            f"{place}: a condition is a table with one key.",
            remedy="Write it like { clicked = { topic = “golf” } }.",
        )
    [(key, value)] = said.items()
    here = f"{place}, {key}"
    if key in ("all", "any"):
        kind = All if key == "all" else AnyOf
        return kind(tuple(parse_condition(one, here, depth + 1) for one in _several(value, here)))
    if key == "not":
        return Not(parse_condition(value, here, depth + 1))
    if key not in _LEAVES:
        known = ", ".join([*_TREES, *_LEAVES])
        raise LibraryError(f"{place}: “{key}” is no condition.", remedy=f"There are {known}.")
    return _LEAVES[key](value, here)


def _several(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise LibraryError(
            f"{place}: it must be a list of conditions.", remedy="Write [{ … }, { … }]."
        )
    if len(value) > _WIDEST:
        raise LibraryError(
            f"{place}: it has more than {_WIDEST} conditions.", remedy="Make two segments of it."
        )
    return value


def _table(value: Any, known: set[str], place: str) -> dict[str, Any]:
    """Return the settings of a condition; `true` means that there are none."""
    if value is True:
        return {}
    if not isinstance(value, dict):
        raise LibraryError(f"{place}: it must be a table.", remedy="Write { … }, or true for any.")
    refuse_unknown(value, known, place)
    return value


def _did(kind: EventKind) -> Callable[[Any, str], Condition]:
    def read(value: Any, place: str) -> Condition:
        said = _table(value, {"email", "link", "topic", "within", "times", "verdict"}, place)
        expect_texts(said, {"email", "link", "topic", "within"}, place)
        times = said.get("times", 1)
        if not isinstance(times, int) or isinstance(times, bool) or not 1 <= times <= 1000:
            raise LibraryError(
                f"{place}, times: it must be a whole number from 1 to 1000.",
                remedy="Write times = 2.",
            )
        return Did(
            kind,
            email=said.get("email", ""),
            link=said.get("link", ""),
            topic=said.get("topic", ""),
            within=_length(said, place),
            times=times,
            verdicts=_verdicts(said.get("verdict", "human"), place),
        )

    return read


def _verdicts(said: Any, place: str) -> frozenset[Verdict]:
    if said == "any":
        return frozenset(Verdict)
    return frozenset({_one_of(Verdict, said, f"{place}, verdict")})


def _one_of(kind: type[_Word], said: Any, place: str) -> _Word:
    if not isinstance(said, str) or said not in set(kind):
        known = ", ".join(kind)
        raise LibraryError(f"{place}: “{said}” is not known.", remedy=f"Write one of {known}.")
    return kind(said)


def _some_of(kind: type[_Word], said: Any, place: str) -> frozenset[_Word]:
    """Return one of the known words, or a list of some, as a set."""
    named = [said] if isinstance(said, str) else said
    if not isinstance(named, list) or not named:
        raise LibraryError(
            f"{place}: it must be a text or a list of texts.",
            remedy=f"Write one of {', '.join(kind)}.",
        )
    return frozenset(_one_of(kind, one, place) for one in named)


def _length(said: Mapping[str, Any], place: str) -> timedelta | None:
    return read_as(parse_length, said["within"], f"{place}, within") if "within" in said else None


def _in_sequence(value: Any, place: str) -> Condition:
    said = _table(
        {"sequence": value} if isinstance(value, str) else value, {"sequence", "status"}, place
    )
    expect_texts(said, {"sequence"}, place)
    named = said.get("status")
    statuses = (
        frozenset() if named is None else _some_of(EnrolmentStatus, named, f"{place}, status")
    )
    return InSequence(wanted(said, "sequence", place), statuses)


def _reached(value: Any, place: str) -> Condition:
    said = _table(value, {"sequence", "step"}, place)
    expect_texts(said, {"sequence", "step"}, place)
    return Reached(wanted(said, "sequence", place), wanted(said, "step", place))


def _collected(value: Any, place: str) -> Condition:
    said = _table({"sequence": value} if isinstance(value, str) else value, {"sequence"}, place)
    expect_texts(said, {"sequence"}, place)
    return Collected(said.get("sequence", ""))


def _booked(value: Any, place: str) -> Condition:
    said = _table(value, {"within"}, place)
    expect_texts(said, {"within"}, place)
    return Booked(_length(said, place))


def _replied(value: Any, place: str) -> Condition:
    said = _table(value, {"within"}, place)
    expect_texts(said, {"within"}, place)
    return Replied(_length(said, place))


def _level(value: Any, place: str) -> Condition:
    return IsLevel(_some_of(EngagementLevel, value, place))


def _signed_up(value: Any, place: str) -> Condition:
    utm = (
        {k: v for k, v in value.items() if k.startswith("utm_")} if isinstance(value, dict) else {}
    )
    said = _table(value, {"form", "within", "since", "before", *utm}, place)
    expect_texts(said, {"form", "within", *utm}, place)
    if odd := sorted(name for name in utm if not _UTM.fullmatch(name)):
        raise LibraryError(
            f"{place}: “{odd[0]}” is not a UTM parameter.", remedy="Write it like utm_source."
        )
    return FilledIn(
        form=said.get("form", ""),
        utm=tuple(sorted(utm.items())),
        within=_length(said, place),
        since=_day(said, "since", place),
        before=_day(said, "before", place),
    )


def _day(said: Mapping[str, Any], name: str, place: str) -> datetime | None:
    """Return the beginning of a day: midnight in UTC, for any viewer anywhere."""
    value = said.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        with suppress(ValueError):
            value = date.fromisoformat(value)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise LibraryError(
            f"{place}, {name}: it must be a day.", remedy="Write it like 2026-11-23."
        )
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def _has(value: Any, place: str) -> Condition:
    said = _table(value, set(ATTRIBUTES), place)
    expect_texts(said, set(ATTRIBUTES), place)
    if len(said) != 1:
        raise LibraryError(
            f"{place}: it must name one attribute.", remedy=f"There are {', '.join(ATTRIBUTES)}."
        )
    [(attribute, wanted_value)] = said.items()
    return Has(attribute, wanted_value)


_LEAVES: Mapping[str, Callable[[Any, str], Condition]] = {
    "opened": _did(EventKind.OPENED),
    "clicked": _did(EventKind.CLICKED),
    "in": _in_sequence,
    "reached": _reached,
    "collected": _collected,
    "booked": _booked,
    "replied": _replied,
    "level": _level,
    "signed_up": _signed_up,
    "attribute": _has,
}
