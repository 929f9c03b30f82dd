"""The audience of a broadcast: its people, and what decides whether each may be sent it.

People are equal before the table of the right to write if a few columns are equal: that is their
bearing. So the database counts the people of each bearing, and the domain is asked once for each
bearing, however many people there are. Erased people are left out of everything here.
"""

import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any

import sqlalchemy as sa

from nurture.domain.audience.conditions import Condition, IsLevel
from nurture.domain.audience.engagement import EngagementLevel
from nurture.domain.known_words import known
from nurture.domain.scheduling.gate import UNTIL_RESUMED, Frequency, Standing
from nurture.domain.subscribers.bookings import NOT_CANCELLED
from nurture.domain.subscribers.consent import Purpose
from nurture.domain.subscribers.suppression import SuppressionReason, strongest
from nurture.store.queries.segments import Member, Span, ids_where, is_not_among
from nurture.store.tables.subscribers import FORM, as_consents, subscribers
from nurture.store.tables.suppressions import suppressions
from nurture.store.types import UtcDateTime


@dataclass(frozen=True, slots=True)
class Bearing:
    """Everything about a person that the table of the right to write asks.

    `purposes` are the stored words of what they agree to.
    """

    purposes: str
    is_confirmed: bool = True
    is_unknown: bool = False
    is_client: bool = False
    may_as_client: bool = False
    is_paused: bool = False
    is_booked: bool = False
    suppressed: frozenset[SuppressionReason] = frozenset()

    @property
    def words(self) -> frozenset[str]:
        """The words of what they agree to."""
        return frozenset(self.purposes.split())

    @property
    def standing(self) -> Standing:
        """What the table asks, at the moment at which the bearing was read."""
        return Standing(
            as_consents(self.words),
            strongest(self.suppressed),
            paused_until=UNTIL_RESUMED if self.is_paused else None,
            bounces=SuppressionReason.BOUNCED in self.suppressed,
            booked_until=NOT_CANCELLED if self.is_booked else None,
            is_confirmed=self.is_confirmed,
            is_unknown=self.is_unknown,
            is_client=self.is_client,
            may_as_client=self.may_as_client,
        )


@dataclass(frozen=True, slots=True)
class BearingCount:
    """How many people have that bearing, inside the audience or outside."""

    bearing: Bearing
    in_audience: bool
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
    barred = _barred().subquery("barred")
    people = sa.outerjoin(subscribers, barred, barred.c.address_hash == subscribers.c.address_hash)
    is_in: sa.ColumnElement[Any] = sa.literal(True)
    if chosen is not None:
        # PostgreSQL joins such a list, and would search one that is asked of each row.
        theirs = chosen.ids(connection).cte()
        people = sa.outerjoin(people, theirs, theirs.c.id == subscribers.c.id)
        is_in = theirs.c.id.is_not(None)
    marks = _marks(now) + sa.func.coalesce(barred.c.marks, 0)
    each = sa.select(_PURPOSES, marks.label("marks"), is_in.label("is_in"))
    read = each.select_from(people).where(~subscribers.c.erased).subquery()
    grouped = sa.select(*read.c, sa.func.count()).group_by(*read.c)
    return [
        BearingCount(_bearing(row[0], row[1]), bool(row[2]), row[3])
        for row in connection.execute(grouped)
    ]


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
) -> list[Member]:
    """Return the first people of the audience after that number who have one of these bearings."""
    if not bearings:
        return []
    marks = _marks(now) + _barred_marks()
    keys = [(one.purposes, _marks_of(one)) for one in bearings]
    theirs = sa.tuple_(_PURPOSES, marks).in_(keys)

    def inside(span: Span) -> sa.ColumnElement[bool]:
        return theirs & _is_in(connection, chosen, span)

    return _listed(connection, after, limit, inside)


def people_outside(
    connection: sa.Connection, chosen: Chosen | None, after: int, limit: int
) -> list[Member]:
    """Return the first people after that number who are not in the audience."""
    if chosen is None:
        return []

    def outside(span: Span) -> sa.ColumnElement[bool]:
        theirs = sa.select(chosen.ids(connection, span).cte())
        return is_not_among(connection.dialect.name, theirs)

    return _listed(connection, after, limit, outside)


_PURPOSES = sa.type_coerce(subscribers.c.purposes, sa.Text).label("purposes")

#: The columns that are true or false of a person, each with a mark of its own, and after them the
#: reasons for which an address may be suppressed.
_FLAGS = ("is_confirmed", "is_unknown", "is_client", "may_as_client", "is_paused", "is_booked")
_REASONS = tuple(SuppressionReason)


def _marks(now: datetime) -> sa.ColumnElement[int]:
    """Return what a row of `subscribers` says, as a sum of powers of two in the order of `_FLAGS`.

    The conditions are those that the domain asks of one person.
    """
    s = subscribers.c
    moment = sa.literal(NOT_CANCELLED, UtcDateTime)
    each = (
        s.confirmed_at.is_not(None) | (s.came_by != FORM),
        s.basis_unknown,
        s.client_since.is_not(None) & s.client_until.is_(None),
        s.client_basis_at.is_not(None),
        s.paused_until > now,
        s.booked_until == moment,
    )
    return _sum(sa.case((is_so, 1 << place), else_=0) for place, is_so in enumerate(each))


def _barred() -> sa.Select[Any]:
    """Select why each suppressed address may not be written to, in marks that follow the flags.

    A reason that only a newer program knows is read as a complaint, as everywhere.
    """
    marks = _sum(
        sa.func.max(sa.case((_is_for(one), 1 << place), else_=0))
        for place, one in enumerate(_REASONS, len(_FLAGS))
    )
    each = sa.select(suppressions.c.address_hash, marks.label("marks"))
    return each.group_by(suppressions.c.address_hash)


def _is_for(one: SuppressionReason) -> sa.ColumnElement[bool]:
    reason = suppressions.c.reason
    if one is not SuppressionReason.COMPLAINED:
        return reason == one
    return reason.not_in([other for other in _REASONS if other is not one])


def _barred_marks() -> sa.ColumnElement[int]:
    """Return the same marks of one address, which is quicker where few people are read."""
    theirs = suppressions.c.address_hash == subscribers.c.address_hash
    one = _barred().with_only_columns(_barred().selected_columns.marks)
    found = one.where(theirs).correlate(subscribers).scalar_subquery()
    return sa.func.coalesce(found, 0)


def _sum(parts: Iterable[sa.ColumnElement[int]]) -> sa.ColumnElement[int]:
    first, *others = parts
    return reduce(operator.add, others, first)


def _marks_of(one: Bearing) -> int:
    flags = [bool(getattr(one, name)) for name in _FLAGS]
    reasons = [reason in one.suppressed for reason in _REASONS]
    return sum(is_so << place for place, is_so in enumerate((*flags, *reasons)))


def _bearing(purposes: str, marks: int) -> Bearing:
    return Bearing(
        purposes,
        **{name: bool(marks >> place & 1) for place, name in enumerate(_FLAGS)},
        suppressed=frozenset(
            reason for place, reason in enumerate(_REASONS, len(_FLAGS)) if marks >> place & 1
        ),
    )


def _candidates(
    connection: sa.Connection, chosen: Chosen | None, span: Span, limit: int, now: datetime
) -> list[Candidate]:
    s = subscribers.c
    marks = _marks(now) + _barred_marks()
    read = sa.select(s.id, _PURPOSES, marks, s.time_zone, s.frequency, s.created_at)
    theirs = read.where(_is_in(connection, chosen, span))
    rows = connection.execute(_of_span(theirs, span).limit(limit))
    return [
        Candidate(
            number,
            _bearing(purposes, found),
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
        found += (Member(*row) for row in connection.execute(rows))
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
