"""Reading what any version has published, including what a newer one has put into it.

During a rolling upgrade, the old release runs beside the new one. It uses what it understands of a
plan; it also reports if the plan says more, so that such a plan is left to the newer release.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from functools import partial
from typing import Any, TypeVar

import tomlkit

from nurture.domain.audience.conditions import Segments
from nurture.domain.practice import Practice
from nurture.domain.sequences.sequence import Sequence
from nurture.library.practice import parse_practice
from nurture.library.reading import LibraryError, read_toml
from nurture.library.rhythm import TABLES
from nurture.library.segments import parse_segments
from nurture.library.sequences import parse_sequence

_Read = TypeVar("_Read")
Values = dict[str, Any]


def published_practice(toml: str) -> Practice:
    """Return the practice without unknown settings, or raise `LibraryError`."""
    names = {field.name for field in fields(Practice)} | set(TABLES)
    return _whole_or(parse_practice, toml, lambda values: _only(values, names))[0]


def published_segments(toml: str) -> tuple[Segments, bool]:
    """Return the segments that can be read, and whether those are all; raise `LibraryError`."""
    return _whole_or(parse_segments, toml, _known_segments)


def published_sequence(key: str, toml: str) -> tuple[Sequence, bool]:
    """Return what can be read of a sequence, and whether it is all; raise `LibraryError`.

    The form is included only if its whole meaning is known, so that nobody's consent is recorded as
    a different one from what they gave.
    """
    return _whole_or(partial(parse_sequence, key), toml, _known_sequence)


def form_keys(toml: str) -> frozenset[str]:
    """Return the key of the form that leads into a sequence, whatever else is written there."""
    with suppress(LibraryError):
        form = read_toml(toml, "").get("form")
        if isinstance(form, dict) and isinstance(form.get("key"), str):
            return frozenset({form["key"]})
    return frozenset()


def _whole_or(
    parse: Callable[[str], _Read], toml: str, known: Callable[[Values], Values]
) -> tuple[_Read, bool]:
    try:
        return parse(toml), True
    except LibraryError:
        return parse(tomlkit.dumps(known(read_toml(toml, "")))), False


def _known_segments(values: Values) -> Values:
    kept = _only(values, {"topics", "segments"})
    for topic in _tables_in(kept.get("topics")):
        for name in topic.keys() - {"title", "health"}:
            del topic[name]
    if isinstance(kept.get("segments"), list):
        written = kept["segments"]
        kept["segments"] = [one for one in written if _reads(parse_segments, {"segments": [one]})]
    return kept


_SEQUENCE = {"title", "goal", "guide", "guide_title", "answers", "form", "quiet", "steps", "then"}


def _known_sequence(values: Values) -> Values:
    kept = _only(values, _SEQUENCE)
    for name in ("steps", "then"):
        if isinstance(kept.get(name), list):
            kept[name] = [one for one in kept[name] if _is_known(name, [one])]
    for name in ("form", "quiet", "answers"):
        if name in kept and not _is_known(name, kept[name]):
            del kept[name]
    return kept


def _is_known(name: str, value: Any) -> bool:
    """Return whether a part of a sequence has a meaning in this version."""
    return _reads(partial(parse_sequence, ""), {"title": "…", name: value})


def _reads(parse: Callable[[str], object], values: Values) -> bool:
    try:
        parse(tomlkit.dumps(values))
    except LibraryError:
        return False
    return True


def _tables_in(value: object) -> list[Values]:
    held = value.values() if isinstance(value, dict) else ()
    return [one for one in held if isinstance(one, dict)]


def _only(values: Values, names: set[str]) -> Values:
    return {name: value for name, value in values.items() if name in names}
