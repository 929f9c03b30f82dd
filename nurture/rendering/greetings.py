"""The kinds of first names that subscribers have, and how an email reads for each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

#: Some client, somewhere, cuts off longer names.
_LONG = 15


@dataclass(frozen=True, slots=True)
class NameKind:
    """Subscribers with the same kind of name: how many they are, its description and an example."""

    people: int
    what: str
    example: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The first line of an email that differs for subscribers with one kind of name."""

    kind: NameKind
    line: str


def name_kinds(counted: Mapping[str, int]) -> list[NameKind]:
    """Group these names, given with their counts, by kind; an empty name means no name."""
    grouped: dict[str, list[str]] = {}
    for name in counted:
        grouped.setdefault(_what(name), []).append(name)
    return [
        NameKind(sum(counted[name] for name in names), what, _example(names, counted))
        for what, names in sorted(grouped.items(), key=lambda kind: _ORDER.index(kind[0]))
    ]


_ORDER = _NONE, _USUAL, _LENGTHY, _ODD = (
    "no first name",
    "a usual first name",
    "a long first name",
    "a first name with more than letters",
)


def _what(name: str) -> str:
    if not name:
        return _NONE
    if not name.isalpha():
        return _ODD
    return _LENGTHY if len(name) > _LONG else _USUAL


def _example(names: list[str], counted: Mapping[str, int]) -> str:
    """Return the most frequent name; of equally frequent ones, the longest."""
    return max(names, key=lambda name: (counted[name], len(name), name))


def how_it_reads(kinds: Iterable[NameKind], text_for: Callable[[str], str]) -> list[Reading]:
    """Return how an email reads for each kind of name; empty if it uses no names.

    `text_for` returns the subject and text of the email for a subscriber of that name.
    """
    nameless, named = text_for(""), text_for("Ann")
    if nameless == named:
        return []
    return [
        Reading(kind, _first_line_of_its_own(text_for(kind.example), other))
        for kind in kinds
        for other in [nameless if kind.example else named]
    ]


def _first_line_of_its_own(text: str, other: str) -> str:
    known = set(other.splitlines())
    return next((line.strip() for line in text.splitlines() if line not in known), "")
