"""Comparing: how a change would affect active enrolments, before it is published."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.reasons import in_words
from nurture.domain.sequences.impact import Impact, impact
from nurture.domain.sequences.sequence import Sequence
from nurture.domain.simulation.person import Person
from nurture.domain.simulation.simulate import simulate
from nurture.domain.simulation.world import SimulatedEvent, What, World
from nurture.services.catalogue import Catalogue
from nurture.services.simulation.snapshot import portray
from nurture.services.simulation.world import get_sequence, world_as_published, world_changed_by
from nurture.store.database import Connection
from nurture.store.queries.funnel import count_by_passed
from nurture.store.queries.snapshot import under_way_in

#: How many people are read and simulated at a time.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class NextEmail:
    """The next thing for someone in the sequence, an email or something else, and when."""

    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ImpactGroup:
    """People at the same point who are affected in the same way; times are the first and last.

    Before and after are the first emails that differ or, if none does, the next one.
    """

    place: str
    people: int
    before: str
    before_at: tuple[datetime, datetime]
    after: str
    after_at: tuple[datetime, datetime]
    sooner: int
    later: int

    @property
    def is_changed(self) -> bool:
        """Whether anything changes for any of them."""
        return self.before != self.after or bool(self.sooner or self.later)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The effect of a change: the counts, and the groups, those nearest the start first."""

    sequence: str
    impact: Impact
    groups: tuple[ImpactGroup, ...]
    time_zone: str

    def __str__(self) -> str:
        lines = [f"{self.sequence}: {self.impact}"]
        for group in self.groups:
            lines += ["", *_in_words(group, ZoneInfo(self.time_zone))]
        return "\n".join(lines)


def compare(
    connection: Connection, catalogue: Catalogue, key: str, path: Path, now: datetime
) -> Comparison:
    """Return how publishing the files at `path` would affect active enrolments in a sequence.

    Everyone is simulated in both worlds, without doing anything themselves.
    """
    old_world = world_as_published(connection, catalogue)
    new_world = world_changed_by(path, old_world)
    old, new = get_sequence(old_world, key), get_sequence(new_world, key)
    people = _people(connection, under_way_in(connection, key), now)
    compared = [
        (_place(person, old), *_first_difference(old_world, new_world, person, key, now))
        for person in people
    ]
    return Comparison(
        sequence=key,
        impact=impact(old, new, count_by_passed(connection, key)),
        groups=tuple(_grouped(compared, old)),
        time_zone=old_world.time_zone,
    )


def as_document(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain values."""
    counts = {name: getattr(found.impact, name) for name in Impact.__dataclass_fields__}
    return {
        "sequence": found.sequence,
        "impact": counts,
        "groups": [
            {
                "place": group.place,
                "people": group.people,
                "before": {"what": group.before, "at": _iso(group.before_at)},
                "after": {"what": group.after, "at": _iso(group.after_at)},
                "sooner": group.sooner,
                "later": group.later,
            }
            for group in found.groups
        ],
    }


def _iso(moments: tuple[datetime, datetime]) -> list[str]:
    return [moment.isoformat() for moment in moments]


def _people(connection: Connection, ids: list[int], now: datetime) -> Iterator[Person]:
    rest = iter(ids)
    while some := list(islice(rest, _AT_ONCE)):
        yield from portray(connection, some, now).values()


def _place(person: Person, sequence: Sequence) -> str:
    """Return the last step that someone has passed."""
    [own] = [one for one in person.enrolments if one.sequence == sequence.key]
    passed = own.progress.passed
    return next((s.email for s in reversed(sequence.steps) if s.email in passed), "")


def _first_difference(
    old: World, new: World, person: Person, key: str, now: datetime
) -> tuple[NextEmail, NextEmail]:
    before, after = (
        _coming(old, person, key, now),
        _coming(new, _afresh(person, key, now), key, now),
    )
    nothing = NextEmail("nothing more", max(before[-1].at, after[-1].at))
    pairs = list(zip_longest(before, after, fillvalue=nothing))
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])


def _afresh(person: Person, key: str, now: datetime) -> Person:
    """Return the same person after publication, which has every enrolment decided again."""
    afresh = (
        replace(one, look_at=now) if one.sequence == key and one.look_at else one
        for one in person.enrolments
    )
    return replace(person, enrolments=tuple(afresh))


def _coming(world: World, person: Person, key: str, now: datetime) -> list[NextEmail]:
    """Return the emails of a sequence that someone will get, and how it ends."""
    entries = list(simulate(world, person, now))
    here = (What.SENT, What.HELD, What.ENDED)
    return [
        NextEmail(_called(entry, following), entry.at)
        for entry, following in zip(entries, [*entries[1:], None], strict=True)
        if entry.sequence == key and entry.what in here
    ] or [NextEmail("nothing more", now)]


def _called(entry: SimulatedEvent, following: SimulatedEvent | None) -> str:
    if entry.what is What.SENT:
        return entry.step
    if entry.what is What.HELD:
        return f"nothing: {_why(entry)}"
    if following is not None and following.what is What.HANDED_OVER:
        return f"the end, and on to {following.sequence}"
    return f"the end: {_why(entry)}"


def _why(entry: SimulatedEvent) -> str:
    return in_words(entry.why) if entry.why else ""


def _grouped(
    compared: Iterable[tuple[str, NextEmail, NextEmail]], old: Sequence
) -> Iterator[ImpactGroup]:
    groups: dict[tuple[str, str, str], list[tuple[NextEmail, NextEmail]]] = {}
    for place, before, after in compared:
        groups.setdefault((place, before.what, after.what), []).append((before, after))
    order = {step.email: number for number, step in enumerate(old.steps)}
    for place, what, what_then in sorted(groups, key=lambda g: (order.get(g[0], -1), *g[1:])):
        pairs = groups[place, what, what_then]
        olds, news = [before.at for before, _ in pairs], [after.at for _, after in pairs]
        yield ImpactGroup(
            place=place,
            people=len(pairs),
            before=what,
            before_at=(min(olds), max(olds)),
            after=what_then,
            after_at=(min(news), max(news)),
            sooner=sum(after.at < before.at for before, after in pairs),
            later=sum(after.at > before.at for before, after in pairs),
        )


def _in_words(group: ImpactGroup, zone: ZoneInfo) -> Iterator[str]:
    people = "1 person" if group.people == 1 else f"{group.people} people"
    yield f"{people} {f'after “{group.place}”' if group.place else 'at the start'}"
    if not group.is_changed:
        yield f"  stays   {group.before}  {_span(group.before_at, zone)}"
        return
    yield f"  before  {group.before}  {_span(group.before_at, zone)}"
    moved = [
        f"{count} {how}"
        for count, how in ((group.sooner, "sooner"), (group.later, "later"))
        if count
    ]
    yield f"  after   {group.after}  {_span(group.after_at, zone)}  {', '.join(moved)}".rstrip()


def _span(moments: tuple[datetime, datetime], zone: ZoneInfo) -> str:
    first, last = (f"{moment.astimezone(zone):%a %d %b %Y %H:%M}" for moment in moments)
    near = moments[1] - moments[0] < timedelta(minutes=1)
    return first if near else f"{first} to {last}"
