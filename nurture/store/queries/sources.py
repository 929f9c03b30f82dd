"""Where signups came from: counted by source, medium, `utm_campaign` or page.

A person counts once for a form, when they first signed up through it. Only the signups of a period
are read, by their index, and of each person only what happened since.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, exists, func, or_, select

from nurture.domain.tracking.events import EventKind
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import HUMAN, events
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers


class SourceBy(StrEnum):
    """What signups are counted by."""

    SOURCE = "source"
    MEDIUM = "medium"
    CAMPAIGN = "campaign"
    PAGE = "page"


class OriginDeed(StrEnum):
    """What people are counted for."""

    SIGNED_UP = "signed_up"
    COLLECTED = "collected"
    BOOKED = "booked"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class OriginScope:
    """The signups that are counted: those through a form, which leads to `sequence`, since then."""

    form: str
    sequence: str
    since: datetime


@dataclass(frozen=True, slots=True)
class OriginFigures:
    """How many people signed up, and what they did since; an empty `value` is not known."""

    value: str = ""
    signed_up: int = 0
    collected: int = 0
    booked: int = 0
    unsubscribed: int = 0

    def of(self, deed: OriginDeed) -> int:
        """Return how many people did that."""
        figures = (self.signed_up, self.collected, self.booked, self.unsubscribed)
        return dict(zip(OriginDeed, figures, strict=True))[deed]

    def less(self, other: "OriginFigures") -> "OriginFigures":
        """Return what is left without those of `other`."""
        return OriginFigures(self.value, *(self.of(one) - other.of(one) for one in OriginDeed))


@dataclass(frozen=True, slots=True)
class OriginPerson:
    """A person behind a figure; `signup` is the number by which a list goes on."""

    signup: int
    id: int
    first_name: str
    address: str
    signed_up_at: datetime


_COLUMNS = {
    SourceBy.SOURCE: signups.c.utm_source,
    SourceBy.MEDIUM: signups.c.utm_medium,
    SourceBy.CAMPAIGN: signups.c.utm_campaign,
    SourceBy.PAGE: signups.c.page,
}


def count_sources(
    connection: Connection, scope: OriginScope, by: SourceBy, most: int
) -> list[OriginFigures]:
    """Return the figures of the `most` frequent values, most first."""
    return [OriginFigures(*row) for row in connection.execute(by_value(scope, by, most))]


def count_all(connection: Connection, scope: OriginScope) -> OriginFigures:
    """Return the figures of everyone."""
    row = connection.execute(_joined(select(*_figures(scope)), scope)).one()
    return OriginFigures("", *(int(one or 0) for one in row))


def by_value(scope: OriginScope, by: SourceBy, most: int) -> Select[Any]:
    """Return the statement behind `count_sources`."""
    value = _COLUMNS[by]
    counted = _joined(select(value, *_figures(scope)), scope)
    return counted.group_by(value).order_by(func.count().desc(), value).limit(most)


def people_behind(
    connection: Connection,
    scope: OriginScope,
    which: ColumnElement[bool],
    deed: OriginDeed,
    before: int | None,
    limit: int,
) -> list[OriginPerson]:
    """Return the people behind a figure, the newest first; people who were erased are left out."""
    columns = (subscribers.c.id, subscribers.c.first_name, subscribers.c.address)
    chosen = _joined(select(signups.c.id, *columns, signups.c.signed_up_at), scope)
    chosen = chosen.join(subscribers, subscribers.c.id == signups.c.subscriber_id)
    chosen = chosen.where(which, _deeds(scope)[deed], ~subscribers.c.erased)
    if before is not None:
        chosen = chosen.where(signups.c.id < before)
    rows = connection.execute(chosen.order_by(signups.c.id.desc()).limit(limit))
    return [OriginPerson(*row) for row in rows]


def came_by(by: SourceBy, value: str) -> ColumnElement[bool]:
    """Return the condition for signups of one value."""
    return _COLUMNS[by] == value


def _figures(scope: OriginScope) -> list[Any]:
    return [func.sum(case((did, 1), else_=0)) for did in _deeds(scope).values()]


def _joined(chosen: Select[Any], scope: OriginScope) -> Select[Any]:
    """Restrict to the first signups of a period, each with the enrolment it led to."""
    theirs = (enrolments.c.subscriber_id == signups.c.subscriber_id) & (
        enrolments.c.sequence == scope.sequence
    )
    within = (signups.c.form == scope.form) & (signups.c.signed_up_at >= scope.since)
    joined = chosen.select_from(signups).outerjoin(enrolments, theirs)
    return joined.where(within, _is_first())


def _is_first() -> ColumnElement[bool]:
    """Return whether a signup is the person's first through its form.

    The earlier ones are counted, because PostgreSQL would join what need only not exist with the
    form's whole history.
    """
    earlier, at = signups.alias(), signups.c.signed_up_at
    counted = select(func.count()).select_from(earlier)
    before = counted.where(
        earlier.c.subscriber_id == signups.c.subscriber_id,
        earlier.c.form == signups.c.form,
        or_(
            earlier.c.signed_up_at < at,
            (earlier.c.signed_up_at == at) & (earlier.c.id < signups.c.id),
        ),
    )
    return before.correlate(signups).scalar_subquery() == 0


def _deeds(scope: OriginScope) -> dict[OriginDeed, ColumnElement[bool]]:
    return {
        OriginDeed.SIGNED_UP: signups.c.form == scope.form,
        OriginDeed.COLLECTED: enrolments.c.collected_at.is_not(None),
        OriginDeed.BOOKED: _did_since(EventKind.BOOKED, HUMAN),
        OriginDeed.UNSUBSCRIBED: _did_since(EventKind.UNSUBSCRIBED),
    }


def _did_since(kind: EventKind, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        events.c.subscriber_id == signups.c.subscriber_id,
        events.c.happened_at >= signups.c.signed_up_at,
        events.c.kind == kind,
        *more,
    )
