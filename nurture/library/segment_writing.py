"""Writing segments for `nurture.library.segments` to read, preserving comments and order."""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import tomlkit

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
    Segment,
)
from nurture.domain.tracking.verdict import Verdict
from nurture.library.reading import LibraryError, read_document, read_toml
from nurture.library.segments import parse_segments
from nurture.library.writing import joined, sections_of

_PLACE = "segments.toml"
_SEGMENT = re.compile(r"\[\[\s*segments\s*\]\]\s*(#.*)?")
_TREES = ("all", "any", "not")

#: What TOML accepts as a key without quotes.
_BARE = re.compile(r"[A-Za-z0-9_-]+")

_HUMAN = frozenset({Verdict.HUMAN})


def segment_text(toml: str, name: str) -> str:
    """Return the part of the document with one segment, from its `[[segments]]` on."""
    pieces = sections_of(toml)
    return _parted(pieces[_place_of(pieces, name)])[1]


def with_segment(toml: str, segment: Segment, name: str = "") -> str:
    """Return the document with the segment called `name` changed, or added if `name` is empty.

    The comments around it stay; those inside its condition stay if the condition is unchanged.
    """
    if not name:
        added = _changed("[[segments]]\n", segment, None)
        return joined([*sections_of(toml), added], _PLACE)
    present = parse_segments(toml).segments.get(name)
    return with_segment_text(toml, name, _changed(segment_text(toml, name), segment, present))


def with_segment_text(toml: str, name: str, text: str) -> str:
    """Replace a segment's text in a document; raise `LibraryError` unless it is one segment."""
    if len(_written(text)) != 1 or len(read_toml(text, "The segment")) != 1:
        raise LibraryError(
            "This is not one segment.", remedy="Begin with [[segments]], and write one only."
        )
    pieces = sections_of(toml)
    place = _place_of(pieces, name)
    before, _, after = _parted(pieces[place])
    pieces[place] = f"{before}{text.strip()}\n{after}"
    return joined(pieces, _PLACE)


def without_segment(toml: str, name: str) -> str:
    """Return the document without a segment and without the comment right above it."""
    pieces = sections_of(toml)
    place = _place_of(pieces, name)
    pieces[place] = _parted(pieces[place])[2]
    return joined(pieces, _PLACE)


def _place_of(pieces: list[str], name: str) -> int:
    for number, piece in enumerate(pieces):
        begins = any(_SEGMENT.fullmatch(line.strip()) for line in piece.splitlines())
        if begins and _written(piece)[0].get("name") == name:
            return number
    raise LibraryError(f"There is no segment “{name}”.", remedy="Reload the page and try again.")


def _written(piece: str) -> list[dict[str, Any]]:
    found = read_toml(piece, "The segment").get("segments", [])
    return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else []


def _parted(piece: str) -> tuple[str, str, str]:
    """Split a piece into the comment above a segment, the segment, and what follows on another."""
    lines = piece.splitlines(keepends=True)
    begins = next(n for n, line in enumerate(lines) if _SEGMENT.fullmatch(line.strip()))
    ends = len(lines)
    while not lines[ends - 1].strip() or lines[ends - 1].startswith("#"):
        ends -= 1
    return "".join(lines[:begins]), "".join(lines[begins:ends]), "".join(lines[ends:])


def _changed(text: str, segment: Segment, present: Segment | None) -> str:
    document = read_document(text)
    if "segments" not in document:
        document["segments"] = tomlkit.aot()
    table: Any = document["segments"][0]
    for name, value in (("name", segment.name), ("title", segment.title), ("about", segment.about)):
        if value or name in table:
            table[name] = value
    if present is None or present.condition != segment.condition:
        for tree in _TREES:
            table.pop(tree, None)
        [(key, value)] = _tree(segment.condition).items()
        table.append(key, read_document(f"{key} = {_laid_out(value)}")[key])
    return tomlkit.dumps(document)


def _tree(condition: Condition) -> dict[str, Any]:
    """Return a condition as a segment's tree; a single condition goes into a list of its own."""
    table = as_table(condition)
    return table if set(table) <= set(_TREES) else {"all": [table]}


def _laid_out(value: Any) -> str:
    """Return a value as TOML; a list has one line per condition."""
    if not isinstance(value, list):
        return _inline(value)
    return "[\n" + "".join(f"  {_inline(one)},\n" for one in value) + "]"


def _inline(value: Any) -> str:
    """Return a value as TOML writes it on one line."""
    match value:
        case dict():
            pairs = (f"{_key(name)} = {_inline(one)}" for name, one in value.items())
            return "{ " + ", ".join(pairs) + " }"
        case list():
            return "[" + ", ".join(map(_inline, value)) + "]"
        case date():
            return value.isoformat()
    # TOML accepts text as JSON does, except for one control character that JSON allows.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    """Return a key, quoted if it has what no bare key can, such as a dot, which begins a table."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def as_table(condition: Condition) -> dict[str, Any]:
    """Return the one-key table that means this condition; `parse_condition` is the inverse."""
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
        case Replied(within):
            return {"replied": _or_true(_within(within))}
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
    """Return a length of time in the largest unit that expresses it exactly."""
    if length is None:
        return {}
    seconds = int(length.total_seconds())
    for unit, size in (("days", 86400), ("hours", 3600)):
        if seconds % size == 0:
            return {"within": f"{seconds // size} {unit}"}
    return {"within": f"{seconds // 60} minutes"}


def _or_true(said: dict[str, Any]) -> dict[str, Any] | bool:
    return said or True
