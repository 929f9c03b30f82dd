"""Segments as SQL: the tree that the domain evaluates on one person, for all people.

Every node becomes a statement that selects the numbers of the people it is true of. Sets are
combined by joins, unions and differences, never row by row, so the cost depends on the events that
a condition names and not on the number of people times the conditions.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.functions import coalesce

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
)
from nurture.domain.audience.engagement import (
    ACTIVE_FOR,
    COOLING_FOR,
    NEW_FOR,
    SIGNS_OF_LIFE,
    EngagementLevel,
)
from nurture.domain.subscribers.consent import Purpose
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import HUMAN, events
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers

#: How many rows are fetched at a time when they are all read.
_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a segment, as a list shows them."""

    id: int
    address: str
    first_name: str
    created_at: datetime


def count_segment(
    connection: sa.Connection, condition: Condition, now: datetime, health: Collection[str]
) -> int:
    """Count the people who meet a condition."""
    people = _people(connection, condition, now, health)
    return connection.scalar(sa.select(sa.func.count()).select_from(people.subquery())) or 0


def segment_members(
    connection: sa.Connection,
    condition: Condition,
    now: datetime,
    health: Collection[str],
    limit: int | None = None,
) -> Iterator[Member]:
    """Yield the people who meet a condition, in the order they were added; at most `limit`."""
    people = _people(connection, condition, now, health).order_by(subscribers.c.id).limit(limit)
    streamed = connection.execution_options(yield_per=_AT_ONCE).execute(people)
    return (Member(*row) for row in streamed)


@dataclass(frozen=True, slots=True)
class Span:
    """The people whose numbers are greater than `after` and at most `upto`."""

    after: int
    upto: int


def ids_where(
    connection: sa.Connection,
    condition: Condition,
    now: datetime,
    health: Collection[str],
    span: Span | None = None,
) -> Any:
    """Return a statement that selects the numbers of the people who meet a condition.

    With a `span` it selects only those of them, and reads no more than what they did.
    """
    return _Compiler(connection.dialect.name, now, sorted(health), span).ids(condition)


def is_not_among(dialect: str, ids: Any) -> sa.ColumnElement[bool]:
    """Return the condition that a subscriber is not among these.

    SQLite reads a list only once; PostgreSQL uses a join only if it is written as EXISTS.
    """
    if dialect == "sqlite":
        return subscribers.c.id.not_in(ids)
    inner = ids.subquery()
    same = next(iter(inner.c)) == subscribers.c.id
    return ~sa.exists(sa.select(1).where(same).select_from(inner))


def _people(
    connection: sa.Connection, condition: Condition, now: datetime, health: Collection[str]
) -> sa.Select[Any]:
    ids = ids_where(connection, condition, now, health)
    s = subscribers.c
    return sa.select(s.id, s.address, s.first_name, s.created_at).where(~s.erased, s.id.in_(ids))


@dataclass(frozen=True, slots=True)
class _Compiler:
    """A compiler that turns conditions into statements that select people's numbers."""

    dialect: str
    now: datetime
    health: list[str]
    span: Span | None = None

    def ids(self, condition: Condition) -> Any:
        match condition:
            case All(conditions):
                return self._where(*(subscribers.c.id.in_(self.ids(c)) for c in conditions))
            case AnyOf(conditions):
                return sa.union(
                    *(self._where(subscribers.c.id.in_(self.ids(c))) for c in conditions)
                )
            case Not(inner):
                return self._where(self._not_in(self.ids(inner)))
            case Did():
                return self._did(condition)
            case IsLevel(levels):
                return sa.union(*(self._level(level) for level in sorted(levels)))
            case FilledIn():
                return self._filled_in(condition)
            case Has(attribute, value):
                return self._where(self._has(attribute, value))
            case _:
                return self._of_enrolments_or_bookings(condition)

    def _where(self, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        return self._of(subscribers.c.id).where(*conditions)

    def _of(self, person: sa.ColumnElement[int]) -> sa.Select[Any]:
        """Select people by that column, only those of the span if there is one."""
        chosen = sa.select(person)
        if self.span is None:
            return chosen
        return chosen.where(person > self.span.after, person <= self.span.upto)

    def _did(self, wanted: Did) -> Any:
        e = events.c
        matching = (
            self._of(e.subscriber_id)
            .where(e.kind == wanted.kind, _judged(wanted.verdicts))
            .where(e.subscriber_id.is_not(None), *self._named(wanted))
        )
        if wanted.within is not None:
            matching = matching.where(e.happened_at > self.now - wanted.within)
        if self._tells_of_health(wanted):
            matching = matching.join(subscribers, subscribers.c.id == e.subscriber_id)
            matching = matching.where(
                sa.or_(self._agreed(Purpose.HEALTH_TOPICS), *self._harmless(wanted))
            )
        return matching.group_by(e.subscriber_id).having(sa.func.count() >= wanted.times)

    def _named(self, wanted: Did) -> Iterator[sa.ColumnElement[bool]]:
        if "/" in wanted.email:
            yield events.c.email == wanted.email
        elif wanted.email:
            yield self._contains(events.c.email + "\n", f"/{wanted.email}\n")
        if wanted.link:
            yield events.c.link == wanted.link
        if wanted.topic:
            yield self._among(wanted.topic, events.c.topics)

    def _tells_of_health(self, wanted: Did) -> bool:
        if wanted.topic:
            return wanted.topic in self.health
        return bool((wanted.email or wanted.link) and self.health)

    def _harmless(self, wanted: Did) -> list[sa.ColumnElement[bool]]:
        """Return the condition for events of an email or link that are not about health."""
        if wanted.topic:
            return []
        return [sa.and_(*(~self._among(topic, events.c.topics) for topic in self.health))]

    def _of_enrolments_or_bookings(self, condition: Condition) -> Any:
        e = enrolments.c
        of = self._of(e.subscriber_id)
        match condition:
            case InSequence(sequence, statuses):
                found = of.where(e.sequence == sequence)
                return found.where(e.status.in_(sorted(statuses))) if statuses else found
            case Reached(sequence, step):
                return of.where(e.sequence == sequence, self._among(step, e.passed))
            case Collected(sequence):
                found = of.where(e.collected_at.is_not(None))
                return found.where(e.sequence == sequence) if sequence else found
            case Booked(within):
                return self._happened([EventKind.BOOKED], within)
            case Replied(within):
                return self._happened([EventKind.REPLIED], within)
        raise TypeError(f"{condition!r} is no condition")

    def _happened(self, kinds: Collection[EventKind], within: timedelta | None) -> Any:
        e = events.c
        happened = self._of(e.subscriber_id).where(
            e.kind.in_(sorted(kinds)), e.verdict.is_not(None)
        )
        happened = happened.where(e.subscriber_id.is_not(None))
        return happened.where(e.happened_at > self.now - within) if within is not None else happened

    def _level(self, level: EngagementLevel) -> Any:
        """Select the people on a level, following `nurture.domain.audience.engagement`."""
        is_new = subscribers.c.created_at > self.now - NEW_FOR
        match level:
            case EngagementLevel.NEW:
                return self._where(is_new)
            case EngagementLevel.ACTIVE:
                return self._where(~is_new, subscribers.c.id.in_(self._lively(ACTIVE_FOR)))
            case EngagementLevel.COOLING:
                lively = subscribers.c.id.in_(self._lively(COOLING_FOR))
                return self._where(~is_new, lively, self._not_in(self._lively(ACTIVE_FOR)))
            case EngagementLevel.ASLEEP:
                return self._where(~is_new, self._not_in(self._lively(COOLING_FOR)))

    def _lively(self, within: timedelta) -> Any:
        signs = self._happened(SIGNS_OF_LIFE, within).where(HUMAN)
        signed_up = self._of(signups.c.subscriber_id).where(
            signups.c.signed_up_at > self.now - within
        )
        return sa.union(signs, signed_up, self._where(subscribers.c.created_at > self.now - within))

    def _filled_in(self, wanted: FilledIn) -> Any:
        s = signups.c
        found = self._of(s.subscriber_id)
        if wanted.form:
            found = found.where(s.form == wanted.form)
        if wanted.within is not None:
            found = found.where(s.signed_up_at > self.now - wanted.within)
        if wanted.since is not None:
            found = found.where(s.signed_up_at >= wanted.since)
        if wanted.before is not None:
            found = found.where(s.signed_up_at < wanted.before)
        return found.where(*(self._field(s.utm, name) == value for name, value in wanted.utm))

    def _has(self, attribute: str, value: str) -> sa.ColumnElement[bool]:
        s = subscribers.c
        match attribute:
            case "confirmed":
                return _yes_or_no(s.confirmed_at.is_not(None), value)
            case "tracking":
                return _yes_or_no(self._agreed(Purpose.TRACKING), value)
        return sa.type_coerce(s[attribute], sa.Text) == value

    def _agreed(self, purpose: Purpose) -> sa.ColumnElement[bool]:
        return self._among(purpose, subscribers.c.purposes)

    def _among(self, word: str, words: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Return whether a word is in a `Words` column."""
        stored = coalesce(sa.type_coerce(words, sa.Text), "")
        return self._contains(sa.literal(" ") + stored + " ", f" {word} ")

    def _contains(self, text: sa.ColumnElement[Any], piece: str) -> sa.ColumnElement[bool]:
        """Return whether a text contains a piece; case-sensitive everywhere, unlike LIKE."""
        found = sa.func.instr if self.dialect == "sqlite" else sa.func.strpos
        return found(text, piece) > 0

    def _not_in(self, ids: Any) -> sa.ColumnElement[bool]:
        return is_not_among(self.dialect, ids)

    def _field(self, document: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[Any]:
        """Return one text of a JSON document."""
        stored = sa.type_coerce(document, sa.Text)
        if self.dialect == "sqlite":
            return sa.func.json_extract(stored, f'$."{name}"')
        return sa.cast(stored, sa.JSON).op("->>", return_type=sa.Text)(name)


def _judged(verdicts: Collection[Verdict]) -> sa.ColumnElement[bool]:
    """Return the condition on verdicts.

    What people did has an index of its own, which is used only for exactly its own condition.
    """
    return HUMAN if set(verdicts) == {Verdict.HUMAN} else events.c.verdict.in_(sorted(verdicts))


def _yes_or_no(is_so: sa.ColumnElement[bool], value: str) -> sa.ColumnElement[bool]:
    return is_so if value == "yes" else sa.and_(~is_so, sa.literal(value == "no"))
