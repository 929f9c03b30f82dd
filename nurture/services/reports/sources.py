"""Where the people of a form came from, and what became of them since."""

from dataclasses import dataclass, replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

from nurture.domain.door.sources import host_of
from nurture.domain.errors import NurtureError
from nurture.domain.sequences.sequence import Sequence
from nurture.services.catalogue import Catalogue, Published
from nurture.services.delivery.pause import get_sequence
from nurture.services.reports.funnel import Period, first_days
from nurture.services.subscribers.signup import insist_on_form
from nurture.store.database import Connection, Database
from nurture.store.queries import sources
from nurture.store.queries.sources import (
    OriginDeed,
    OriginFigures,
    OriginPerson,
    OriginScope,
    SourceBy,
)

__all__ = [
    "NoFormError",
    "OriginDeed",
    "OriginFigures",
    "SourceBy",
    "SourceFigure",
    "SourceList",
    "SourceReport",
    "count_sources",
    "count_sources_since",
    "list_behind",
]

#: How many values are shown; the rest is counted together.
MOST = 50

#: How many people one page of a list shows.
PAGE = 100


class NoFormError(NurtureError):
    """The sequence has no form, so nobody signs up for it."""


@dataclass(frozen=True, slots=True)
class SourceReport:
    """The figures of a form by value, most first; `rest` are those of rarer values, if any."""

    sequence: Sequence
    by: SourceBy
    since: datetime
    figures: tuple[OriginFigures, ...]
    rest: OriginFigures
    total: OriginFigures
    own_host: str = ""

    def name_of(self, one: OriginFigures) -> str:
        """Return the value of some figures as it is shown."""
        return name_of(self.by, one.value, self.own_host)


@dataclass(frozen=True, slots=True)
class SourceFigure:
    """Which figure a list is about."""

    by: SourceBy
    value: str
    deed: OriginDeed
    period: Period


@dataclass(frozen=True, slots=True)
class SourceList:
    """One page of the people behind a figure; `next` is where the following page begins."""

    sequence: Sequence
    people: tuple[OriginPerson, ...]
    next: int | None
    name: str


def count_sources(
    database: Database,
    catalogue: Catalogue,
    key: str,
    by: SourceBy,
    period: Period,
    now: datetime,
) -> SourceReport:
    """Count the people of a sequence's form in a period.

    May raise `UnknownSequenceError` or `NoFormError`.
    """
    with database.reading() as connection:
        published = catalogue.current(connection)
        sequence = get_sequence(published, key)
        return _count(connection, published, _scope(published, sequence, period, now), by)


def count_sources_since(
    database: Database,
    catalogue: Catalogue,
    form: str,
    by: SourceBy,
    since: datetime | None,
    now: datetime,
) -> SourceReport:
    """Count the people of a form since then, or within the last four weeks.

    May raise `UnknownFormError`.
    """
    with database.reading() as connection:
        published = catalogue.current(connection)
        sequence = insist_on_form(published, form)
        scope = _scope(published, sequence, Period.MONTH, now)
        if since is not None:
            scope = replace(scope, since=since)
        return _count(connection, published, scope, by)


def list_behind(
    database: Database,
    catalogue: Catalogue,
    key: str,
    figure: SourceFigure,
    now: datetime,
    before: int | None = None,
) -> SourceList:
    """Return the people behind a figure; may raise `UnknownSequenceError` or `NoFormError`."""
    with database.reading() as connection:
        published = catalogue.current(connection)
        sequence = get_sequence(published, key)
        scope = _scope(published, sequence, figure.period, now)
        which = sources.came_by(figure.by, figure.value)
        found = sources.people_behind(connection, scope, which, figure.deed, before, PAGE + 1)
    people, there_is_more = found[:PAGE], len(found) > PAGE
    return SourceList(
        sequence,
        tuple(people),
        people[-1].signup if there_is_more else None,
        name_of(figure.by, figure.value, _own_host(published)),
    )


def name_of(by: SourceBy, value: str, own_host: str) -> str:
    """Return a value as it is shown: a page of the practice's own website by its path alone."""
    host, _, path = value.partition("/")
    return f"/{path}" if by is SourceBy.PAGE and value and host == own_host else value


def _count(
    connection: Connection, published: Published, scope: OriginScope, by: SourceBy
) -> SourceReport:
    figures = tuple(sources.count_sources(connection, scope, by, MOST))
    total = rest = sources.count_all(connection, scope)
    for one in figures:
        rest = rest.less(one)
    sequence = published.sequences[scope.sequence]
    return SourceReport(sequence, by, scope.since, figures, rest, total, _own_host(published))


def _scope(published: Published, sequence: Sequence, period: Period, now: datetime) -> OriginScope:
    """Return the signups that a period is about: the same days as the funnel's."""
    if sequence.form is None:
        raise NoFormError(f"“{sequence.title}” has no form.", remedy="Choose one that has.")
    zone = ZoneInfo(published.practice.time_zone)
    first = first_days(period, now.astimezone(zone).date())[0]
    since = datetime.combine(first, time(), zone)
    return OriginScope(sequence.form.key, sequence.key, since)


def _own_host(published: Published) -> str:
    return host_of(published.practice.website_url)
