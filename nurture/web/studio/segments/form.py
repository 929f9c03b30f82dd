"""The builder's form: from its fields to rows of menus and back.

A field is named after its row: `r0-kind` belongs to the first row, `g1r0-kind` to the first of
the second group. Buttons that change the form say what they do in `do`, so that the builder works
without any script: `add`, `add-group`, `add:g0`, `drop:r1`, `drop:g0r1`, `drop:g0`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from nurture.domain.audience.conditions import MOST_CONDITIONS
from nurture.domain.audience.engagement import EngagementLevel
from nurture.domain.audience.menu import EMAIL, LINK, TOPIC, GroupKind, Kind, Row, RowGroup
from nurture.domain.audience.words import ConditionNames
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.services.catalogue import Published
from nurture.services.publishing.segment_editor import names_of

Options = list[tuple[str, str]]

HOW = [
    (str(GroupKind.ALL), "all of these hold"),
    (str(GroupKind.ANY), "at least one of these holds"),
    (str(GroupKind.NONE), "none of these holds"),
]
#: The name of each kind, for people who meet the condition and for those who do not.
KINDS = {
    Kind.CLICKED: ("clicked a link", "did not click a link"),
    Kind.OPENED: ("opened an email", "did not open an email"),
    Kind.BOOKED: ("booked a session", "did not book a session"),
    Kind.REPLIED: ("replied to an email", "did not reply to an email"),
    Kind.COLLECTED: ("collected a guide", "did not collect a guide"),
    Kind.SIGNED_UP: ("signed up", "did not sign up"),
    Kind.LEVEL: ("is", "is not"),
    Kind.IN: ("is or was in a sequence", "is or was not in a sequence"),
    Kind.REACHED: ("got as far as an email", "did not get as far as an email"),
    Kind.CONFIRMED: ("confirmed their address", "did not confirm their address"),
    Kind.TRACKING: ("agreed to being followed", "did not agree to being followed"),
    Kind.FEWER: ("wants fewer emails", "does not want fewer emails"),
}
_STATES = {
    EnrolmentStatus.ACTIVE: "under way",
    EnrolmentStatus.COMPLETED: "at the end",
    EnrolmentStatus.GOAL_REACHED: "booked in it",
    EnrolmentStatus.UNSUBSCRIBED: "unsubscribed in it",
    EnrolmentStatus.SUPPRESSED: "address not written to",
    EnrolmentStatus.REMOVED: "taken out",
}
_TIMES = (1, 2, 3, 5, 10)
_DAYS = (0, 7, 14, 30, 60, 90, 180, 365)
_ROW = re.compile(r"((?:g\d{1,2})?)r(\d{1,2})-kind")
_COUNTED = (Kind.CLICKED, Kind.OPENED)
_DATED = (*_COUNTED, Kind.BOOKED, Kind.REPLIED, Kind.SIGNED_UP)

#: The row with which a new segment begins.
FIRST = Row(Kind.CLICKED)


@dataclass(frozen=True, slots=True)
class Menu:
    """One row as shown: the prefix of its fields, and the options of each."""

    prefix: str
    kinds: Options
    kind: str
    row: Row
    what: Options
    states: Options
    times: Options
    days: Options
    tells_of_health: bool


@dataclass(frozen=True, slots=True)
class Menus:
    """A group as shown."""

    prefix: str
    how: str
    rows: list[Menu]
    groups: list[Menus]


def read_group(form: Mapping[str, str], published: Published) -> RowGroup:
    """Parse the fields into a group; an invalid field gets the first value of its menu."""
    rows: dict[str, list[Row]] = {}
    found = sorted((m for name in form if (m := _ROW.fullmatch(name))), key=_place)
    for match in found[: MOST_CONDITIONS + 1]:  # One more than allowed is read, and reported.
        prefix = match[0].removesuffix("kind")
        rows.setdefault(match[1], []).append(_row(form, prefix, published))
    inner = sorted((name for name in rows if name), key=lambda name: int(name[1:]))
    groups = [RowGroup(_how(form, name), tuple(rows[name])) for name in inner]
    return RowGroup(_how(form, ""), tuple(rows.get("", ())), tuple(groups))


def done_to(group: RowGroup, do: str) -> RowGroup:
    """Return the group after a button that adds or removes something."""
    what, _, which = do.partition(":")
    if what == "add" and not which:
        return replace(group, rows=(*group.rows, FIRST))
    if what == "add-group":
        return replace(group, groups=(*group.groups, RowGroup(GroupKind.ANY, (FIRST,))))
    match = re.fullmatch(r"(?:g(\d{1,2}))?(?:r(\d{1,2}))?", which)
    if match is None or what not in ("add", "drop"):
        return group
    if match[1] is None:
        return replace(group, rows=_without(group.rows, int(match[2]))) if match[2] else group
    groups = [
        _in_group(one, what, match[2]) if number == int(match[1]) else one
        for number, one in enumerate(group.groups)
    ]
    kept = tuple(one for one in groups if one is not None and one.rows)
    return replace(group, groups=kept)


def menus(group: RowGroup, published: Published) -> Menus:
    """Return a group with the options of its rows."""
    names = names_of(published)
    return _menus(group, "", names, published)


def _in_group(group: RowGroup, what: str, row: str | None) -> RowGroup | None:
    if what == "add":
        return replace(group, rows=(*group.rows, FIRST))
    return replace(group, rows=_without(group.rows, int(row))) if row else None


def _without(rows: tuple[Row, ...], number: int) -> tuple[Row, ...]:
    return rows[:number] + rows[number + 1 :]


def _place(match: re.Match[str]) -> tuple[str, int]:
    return match[1], int(match[2])


def _how(form: Mapping[str, str], prefix: str) -> GroupKind:
    said = form.get(f"{prefix}how", "")
    return GroupKind(said) if said in list(GroupKind) else GroupKind.ALL


def _row(form: Mapping[str, str], prefix: str, published: Published) -> Row:
    said = form.get(f"{prefix}kind", "")
    word = said.removeprefix("not-")
    kind = Kind(word) if word in list(Kind) else Kind.CLICKED
    row = Row(
        kind=kind,
        isnt=said.startswith("not-"),
        what=_fitting(kind, form.get(f"{prefix}what", ""), published),
        state=_one_of(form.get(f"{prefix}state", ""), list(EnrolmentStatus), ""),
        times=_number(form.get(f"{prefix}times", ""), 1, 1000) or 1,
        days=_number(form.get(f"{prefix}days", ""), 0, 36500),
    )
    return replace(
        row,
        state=row.state if kind is Kind.IN else "",
        times=row.times if kind in _COUNTED else 1,
        days=row.days if kind in _DATED else 0,
    )


def _fitting(kind: Kind, what: str, published: Published) -> str:
    """Return the chosen value, or the first one if a row's kind has just changed."""
    if kind in _COUNTED and what.startswith(LINK):
        return what
    options = [value for value, _ in _what(kind, names_of(published), published)]
    if kind is Kind.LEVEL and what and set(what.split("+")) <= set(EngagementLevel):
        return what
    return _one_of(what, options, options[0] if options else "")


def _one_of(said: str, known: list[str], otherwise: str) -> str:
    return said if said in known else otherwise


def _number(said: str, least: int, most: int) -> int:
    return min(max(int(said), least), most) if said.isdecimal() and len(said) < 6 else 0


def _menus(group: RowGroup, prefix: str, names: ConditionNames, published: Published) -> Menus:
    return Menus(
        prefix=prefix,
        how=str(group.how),
        rows=[
            _menu(row, f"{prefix}r{number}-", names, published)
            for number, row in enumerate(group.rows)
        ],
        groups=[
            _menus(one, f"g{number}", names, published) for number, one in enumerate(group.groups)
        ],
    )


def _menu(row: Row, prefix: str, names: ConditionNames, published: Published) -> Menu:
    topic = row.what.removeprefix(TOPIC) if row.what.startswith(TOPIC) else ""
    return Menu(
        prefix=prefix,
        kinds=list(_kinds()),
        kind=f"not-{row.kind}" if row.isnt else str(row.kind),
        row=row,
        what=_with(_what(row.kind, names, published), row.what, row.what.removeprefix(LINK)),
        states=[("", "at any time"), *((str(key), said) for key, said in _STATES.items())]
        if row.kind is Kind.IN
        else [],
        times=_with([(str(n), _times(n)) for n in _TIMES], str(row.times), _times(row.times))
        if row.kind in _COUNTED
        else [],
        days=_with([(str(n), _days(n)) for n in _DAYS], str(row.days), _days(row.days))
        if row.kind in _DATED
        else [],
        tells_of_health=topic in published.segments.health,
    )


def _kinds() -> Iterator[tuple[str, str]]:
    for kind, (is_so, is_not) in KINDS.items():
        yield str(kind), is_so
        yield f"not-{kind}", is_not


def _what(kind: Kind, names: ConditionNames, published: Published) -> Options:
    sequences = [(key, f"“{said}”") for key, said in names.sequences.items()]
    with_form = [(key, said) for key, said in sequences if published.sequences[key].form]
    emails = [(key, f"“{said}”") for key, said in names.emails.items()]
    match kind:
        case Kind.CLICKED | Kind.OPENED:
            topics = [(TOPIC + key, f"about {said}") for key, said in names.topics.items()]
            return [("", "any"), *topics, *((EMAIL + key, f"in {said}") for key, said in emails)]
        case Kind.COLLECTED:
            return [("", "any guide"), *((key, f"of {said}") for key, said in with_form)]
        case Kind.SIGNED_UP:
            forms = [(s.form.key, s.title) for s in published.sequences.values() if s.form]
            return [("", "for any guide"), *((key, f"for “{said}”") for key, said in forms)]
        case Kind.LEVEL:
            both = f"{EngagementLevel.COOLING}+{EngagementLevel.ASLEEP}"
            return [*((str(one), str(one)) for one in EngagementLevel), (both, "cooling or asleep")]
        case Kind.IN:
            return sequences
        case Kind.REACHED:
            return emails
    return []


def _with(options: Options, value: str, said: str) -> Options:
    """Add to the options a value chosen in a file, unless they already contain it."""
    known = not options or value in [one for one, _ in options]
    return options if known else [*options, (value, said.replace("+", " or "))]


def _times(number: int) -> str:
    return {1: "at least once", 2: "at least twice"}.get(number, f"at least {number} times")


def _days(number: int) -> str:
    if number in (0, 365):
        return "ever" if not number else "in the last year"
    return f"in the last {number} days" if number > 1 else "in the last day"
