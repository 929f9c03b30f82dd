"""The kinds of first names that subscribers have, and how an email reads to each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

#: Longer names than this are cut off by somebody, somewhere.
_LONG = 15


@dataclass(frozen=True, slots=True)
class NameKind:
    """People whose names are alike in kind: how many, what they have, and one of the names."""

    people: int
    what: str
    example: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The first line of an email that tells people of one kind apart, as they read it."""

    kind: NameKind
    line: str


def name_kinds(counted: Mapping[str, int]) -> list[NameKind]:
    """The kinds there are among these names and their numbers; the empty name is no name."""
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
    """The name that most have; of equally many, the longest."""
    return max(names, key=lambda name: (counted[name], len(name), name))


def how_it_reads(kinds: Iterable[NameKind], text_for: Callable[[str], str]) -> list[Reading]:
    """How an email reads to each kind; nothing where it calls nobody by name.

    `text_for` gives the subject and the words of the email to somebody of that name.
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
