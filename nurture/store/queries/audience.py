"""The audience of a broadcast: its people, and what decides whether each may be sent it.

People are equal before the table of the right to write if a few columns are equal: that is their
bearing. So the database counts the people of each bearing, and the domain is asked once for each
bearing, however many people there are. Erased people are left out of everything here.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.audience.conditions import Condition, IsLevel
from nurture.domain.audience.engagement import EngagementLevel
from nurture.domain.known_words import known
from nurture.domain.scheduling.gate import Frequency
from nurture.domain.subscribers.consent import Purpose
from nurture.store.queries.bearings import (
    PURPOSES,
    Bearing,
    are_of,
    barred,
    barred_marks,
    bearing_of,
    marks_at,
)
from nurture.store.queries.segments import Member, Span, ids_where, is_not_among
from nurture.store.tables.subscribers import subscribers


@dataclass(frozen=True, slots=True)
class BearingCount:
    """How many people in a time zone have that bearing, inside the audience or outside."""

    bearing: Bearing
    in_audience: bool
    time_zone: str
    number: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person in the audience; `level` says how lively they are, if that was asked."""

    id: int
    bearing: Bearing
    time_zone: str
    frequency: Frequency
    created_at: datetime
    level: EngagementLevel | None = None

    @property
    def is_tracked(self) -> bool:
        """Whether it can be seen how lively they are."""
        return Purpose.TRACKING in self.bearing.words


@dataclass(frozen=True, slots=True)
class Chosen:
    """The people who meet any of `to` (empty: everyone) and none of `besides`, at a moment.

    `health` are the topics about health, as in segments.
    """

    to: tuple[Condition, ...]
    besides: tuple[Condition, ...]
    now: datetime
    health: frozenset[str]

    def ids(self, connection: sa.Connection, span: Span | None = None) -> sa.Select[Any]:
        """Return a statement that selects each of their numbers once, among those of the span.

        Each condition is a table expression of its own, because SQLite reads no statement that is
        nested much deeper than a condition may be.
        """

        def of(condition: Condition) -> sa.Select[Any]:
            return sa.select(ids_where(connection, condition, self.now, self.health, span).cte())

        wanted = [of(one) for one in self.to]
        unwanted = [is_not_among(connection.dialect.name, of(one)) for one in self.besides]
        chosen = sa.select(subscribers.c.id).where(*unwanted)
        if span is not None:
            chosen = chosen.where(subscribers.c.id > span.after, subscribers.c.id <= span.upto)
        if not wanted:
            return chosen
        any_of = sa.union(*wanted) if len(wanted) > 1 else wanted[0]
        return chosen.where(subscribers.c.id.in_(any_of))


def chosen(
    to: Sequence[Condition], besides: Sequence[Condition], now: datetime, health: Collection[str]
) -> Chosen | None:
    """Return the people who meet any of `to` (empty: everyone) and none of `besides`.

    `None` means everyone.
    """
    is_everyone = not to and not besides
    return None if is_everyone else Chosen(tuple(to), tuple(besides), now, frozenset(health))


def count_bearings(
    connection: sa.Connection, chosen: Chosen | None, now: datetime
) -> list[BearingCount]:
    """Count the people of each bearing, inside and outside of the audience; one statement."""
    why = barred().subquery()
    people = sa.outerjoin(subscribers, why, why.c.address_hash == subscribers.c.address_hash)
    is_in: sa.ColumnElement[Any] = sa.true()
    if chosen is not None:
        # PostgreSQL joins such a list, and would search one that is asked of each row.
        theirs = chosen.ids(connection).cte()
        people = sa.outerjoin(people, theirs, theirs.c.id == subscribers.c.id)
        is_in = theirs.c.id.is_not(None)
    marks = marks_at(now) + sa.func.coalesce(why.c.marks, 0)
    columns = (PURPOSES, marks.label("marks"), is_in.label("is_in"), subscribers.c.time_zone)
    read = sa.select(*columns).select_from(people).where(~subscribers.c.erased).subquery()
    grouped = sa.select(*read.c, sa.func.count()).group_by(*read.c)
    with joined_as_wholes(connection):
        rows = connection.execute(grouped).all()
    return [BearingCount(bearing_of(row[0], row[1]), bool(row[2]), row[3], row[4]) for row in rows]


def people_after(
    connection: sa.Connection,
    chosen: Chosen | None,
    after: int,
    upto: int,
    limit: int,
    now: datetime,
    *,
    lively: bool = False,
) -> list[Candidate]:
    """Return the first people of the audience after that number, up to `upto`, in their order.

    There are `limit` of them, unless no more are left. Few people are read beyond those returned;
    if the audience is a small part of all, bring `upto` nearer to bound what is read at once.
    """
    found: list[Candidate] = []
    for span in _spans(connection, after, upto, limit):
        theirs = _candidates(connection, chosen, span, limit - len(found), now)
        found += _with_levels(connection, theirs, now) if lively else theirs
        if len(found) >= limit:
            break
    return found


def members(
    connection: sa.Connection,
    chosen: Chosen | None,
    bearings: Collection[Bearing],
    after: int,
    limit: int,
    now: datetime,
    *,
    said: sa.ColumnElement[bool] | None = None,
) -> list[Member]:
    """Return the first people of the audience after that number who have one of these bearings.

    With `said`, only those whose row of `subscribers` also meets that condition.
    """
    if not bearings:
        return []
    marks = marks_at(now) + barred_marks()
    theirs = are_of(bearings, marks) & (sa.true() if said is None else said)

    def inside(span: Span) -> sa.ColumnElement[bool]:
        return theirs & _is_in(connection, chosen, span)

    return _listed(connection, chosen, after, limit, inside)


def people_outside(
    connection: sa.Connection, chosen: Chosen | None, after: int, limit: int
) -> list[Member]:
    """Return the first people after that number who are not in the audience."""
    if chosen is None:
        return []

    def outside(span: Span) -> sa.ColumnElement[bool]:
        theirs = sa.select(chosen.ids(connection, span).cte())
        return is_not_among(connection.dialect.name, theirs)

    return _listed(connection, chosen, after, limit, outside)


def _candidates(
    connection: sa.Connection, chosen: Chosen | None, span: Span, limit: int, now: datetime
) -> list[Candidate]:
    s = subscribers.c
    marks = marks_at(now) + barred_marks()
    read = sa.select(s.id, PURPOSES, marks, s.time_zone, s.frequency, s.created_at)
    theirs = read.where(_is_in(connection, chosen, span))
    with joined_as_wholes(connection) if chosen else nullcontext():
        rows = connection.execute(_of_span(theirs, span).limit(limit)).all()
    return [
        Candidate(
            number,
            bearing_of(purposes, found),
            time_zone,
            known(Frequency, frequency, Frequency.FEWER),
            created_at,
        )
        for number, purposes, found, time_zone, frequency, created_at in rows
    ]


def _with_levels(
    connection: sa.Connection, people: Sequence[Candidate], now: datetime
) -> list[Candidate]:
    """Return the same people, in their order, with how lively they are."""
    if not people:
        return []
    span, levels = Span(people[0].id - 1, people[-1].id), dict[int, EngagementLevel]()
    for level in _AWAKE:
        on_it = ids_where(connection, IsLevel(frozenset({level})), now, (), span)
        levels |= dict.fromkeys(connection.scalars(on_it), level)
    asleep = EngagementLevel.ASLEEP
    return [replace(one, level=levels.get(one.id, asleep)) for one in people]


_AWAKE = tuple(level for level in EngagementLevel if level is not EngagementLevel.ASLEEP)


def _listed(
    connection: sa.Connection,
    chosen: Chosen | None,
    after: int,
    limit: int,
    condition: Callable[[Span], sa.ColumnElement[bool]],
) -> list[Member]:
    s = subscribers.c
    read = sa.select(s.id, s.address, s.first_name, s.created_at)
    last = connection.scalar(sa.select(sa.func.max(s.id))) or 0
    found: list[Member] = []
    for span in _spans(connection, after, last, _LISTED_AT_ONCE):
        rows = _of_span(read.where(condition(span)), span).limit(limit - len(found))
        with joined_as_wholes(connection) if chosen else nullcontext():
            found += [Member(*row) for row in connection.execute(rows)]
        if len(found) >= limit:
            break
    return found


def _of_span(read: sa.Select[Any], span: Span) -> sa.Select[Any]:
    s = subscribers.c
    return read.where(~s.erased, s.id > span.after, s.id <= span.upto).order_by(s.id)


def _is_in(connection: sa.Connection, chosen: Chosen | None, span: Span) -> sa.ColumnElement[bool]:
    if chosen is None:
        return sa.true()
    return subscribers.c.id.in_(sa.select(chosen.ids(connection, span).cte()))


@contextmanager
def joined_as_wholes(connection: sa.Connection) -> Iterator[None]:
    """Let PostgreSQL join sets of people as wholes.

    It expects a condition on a span or on records to be true of few people, and so would go through
    one set for every person in another.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    for name, value in _FOR_WHOLES.items():
        connection.execute(sa.text(f"SET LOCAL {name} TO {value}"))
    yield
    for name in _FOR_WHOLES:
        connection.execute(sa.text(f"SET LOCAL {name} TO DEFAULT"))


_FOR_WHOLES = {"enable_nestloop": "off", "work_mem": "'64MB'"}


#: How many people a list looks at first, and a query of any kind looks at most in one statement.
_LISTED_AT_ONCE, _MOST_AT_ONCE = 10_000, 100_000


def _spans(connection: sa.Connection, after: int, upto: int, people: int) -> Iterator[Span]:
    """Yield spans that follow each other, the first with that many people, each of the next twice.

    So what is near is found quickly, and what is rare with few statements.
    """
    s, most = subscribers.c, people
    while after < upto:
        next_ones = sa.select(s.id).where(s.id > after, s.id <= upto).order_by(s.id).limit(most)
        end = connection.scalar(sa.select(sa.func.max(next_ones.subquery().c.id)))
        if end is None:
            return
        yield Span(after, end)
        after, most = end, min(2 * most, max(people, _MOST_AT_ONCE))
