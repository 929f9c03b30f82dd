"""The funnel: what became of a sequence's emails, by step and over time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from zoneinfo import ZoneInfo

from nurture.domain.scheduling.awaited_step import awaited_step
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import Sequence, Step
from nurture.services.catalogue import Catalogue, Published
from nurture.services.delivery.pause import get_sequence
from nurture.store.database import Connection, Database
from nurture.store.queries.funnel import (
    Figures,
    PlaceCount,
    bookings_since,
    count_enrolled,
    count_steps,
    places,
)
from nurture.store.tables import sequences

#: A booking is attributed to the last email before it, if that was no longer ago than this.
BOOKED_WITHIN = timedelta(days=30)


class Period(StrEnum):
    """The period of the figures: emails sent within the last weeks, including today."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


#: How many spans of a period the chart shows, and how many days each has.
_SPANS = {Period.MONTH: (28, 1), Period.QUARTER: (12, 7), Period.YEAR: (52, 7)}


@dataclass(frozen=True, slots=True)
class Funnel:
    """What became of some emails; `booked` is how many a booking is attributed to."""

    figures: Figures
    booked: int = 0

    @property
    def tells_delivery(self) -> bool:
        """Whether anything was reported about whether these emails arrived."""
        return self.figures.delivered + self.figures.bounced > 0


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step with its funnel; `waiting` is how many people await it. A deleted `step` is None."""

    email: str
    step: Step | None
    subject: str
    funnel: Funnel
    waiting: int


@dataclass(frozen=True, slots=True)
class Course:
    """A whole sequence: its steps, its figures over time, and where its people are.

    `gone` are steps sent in the period but since deleted; `elsewhere` counts active people who are
    waiting for no email, `uncollected` those of them who have yet to collect their guide.
    """

    sequence: Sequence
    paused: bool
    total: Funnel
    enrolled: dict[EnrolmentStatus, int]
    stages: tuple[FunnelStep, ...] = ()
    gone: tuple[FunnelStep, ...] = ()
    spans: tuple[tuple[date, Funnel], ...] = ()
    elsewhere: int = 0
    uncollected: int = 0

    @property
    def under_way(self) -> int:
        """How many people are active in it."""
        return self.ended(EnrolmentStatus.ACTIVE)

    def ended(self, *statuses: str) -> int:
        """Return how many enrolments have one of these statuses."""
        return sum(self.enrolled.get(EnrolmentStatus(status), 0) for status in statuses)


def list_courses(database: Database, catalogue: Catalogue, now: datetime) -> list[Course]:
    """Return every sequence with its figures for the last four weeks, those with a form first."""
    with database.reading() as connection:
        published = catalogue.current(connection)
        found = _Counts(connection, published, Period.MONTH, now)
        enrolled, paused = count_enrolled(connection), sequences.paused_keys(connection)
    courses = [
        Course(one, key in paused, found.total(key), enrolled.get(key, {}))
        for key, one in published.sequences.items()
    ]
    return sorted(courses, key=lambda c: (c.sequence.form is None, -c.under_way, c.sequence.title))


def follow_course(
    database: Database, catalogue: Catalogue, key: str, period: Period, now: datetime
) -> Course:
    """Return one sequence in full; may raise `UnknownSequenceError`."""
    with database.reading() as connection:
        published = catalogue.current(connection)
        sequence = get_sequence(published, key)
        found = _Counts(connection, published, period, now, key)
        enrolled = count_enrolled(connection).get(key, {})
        paused = key in sequences.paused_keys(connection)
        people = [one for one in places(connection) if one.sequence == key]
    waiting = _waiting(published, sequence, people, now)
    own = [step.email for step in sequence.steps]
    gone = sorted({step for _, step, _ in found.steps} - set(own))
    return Course(
        sequence=sequence,
        paused=paused,
        total=found.total(key),
        enrolled=enrolled,
        stages=tuple(_stage(published, sequence, email, found, waiting) for email in own),
        gone=tuple(_stage(published, sequence, email, found, waiting) for email in gone),
        spans=tuple(zip(found.days, found.over_time(key), strict=False)),
        elsewhere=waiting[None],
        uncollected=sum(p.count for p in people if _awaits_collection(sequence, p)),
    )


class _Counts:
    """The figures for a period, read once and added up in several ways."""

    def __init__(
        self,
        connection: Connection,
        published: Published,
        period: Period,
        now: datetime,
        sequence: str | None = None,
    ) -> None:
        zone = ZoneInfo(published.practice.time_zone)
        self.days = first_days(period, now.astimezone(zone).date())
        self.moments = [datetime.combine(day, time(), zone) for day in self.days]
        counted = count_steps(connection, self.moments, sequence)
        self.steps = {(one.sequence, one.step, one.span): one.figures for one in counted}
        self.booked = self._booked(connection)

    def _booked(self, connection: Connection) -> Counter[tuple[str, str, int]]:
        """Return how many messages were followed by a booking, by step and span."""
        found = bookings_since(connection, self.moments[0])
        near = {b.message: b for b in found if b.booked_at - b.sent_at <= BOOKED_WITHIN}
        within = [b for b in near.values() if self.moments[0] <= b.sent_at < self.moments[-1]]
        return Counter((b.sequence, b.step, self._span(b.sent_at)) for b in within)

    def _span(self, moment: datetime) -> int:
        return sum(end <= moment for end in self.moments[1:])

    def total(self, sequence: str) -> Funnel:
        """Return the funnel of all steps of a sequence together."""
        return self._sum(lambda s, _step, _span: s == sequence)

    def of_step(self, sequence: str, step: str) -> Funnel:
        """Return the funnel of one step."""
        return self._sum(lambda s, one, _span: (s, one) == (sequence, step))

    def over_time(self, sequence: str) -> list[Funnel]:
        """Return a sequence's funnels, span by span."""
        return [
            self._sum(partial(_is_in_span, sequence, number))
            for number in range(len(self.days) - 1)
        ]

    def _sum(self, wanted: Callable[[str, str, int], bool]) -> Funnel:
        figures = (one for key, one in self.steps.items() if wanted(*key))
        booked = sum(count for key, count in self.booked.items() if wanted(*key))
        return Funnel(sum(figures, Figures()), booked)


def _is_in_span(sequence: str, span: int, one: str, _step: str, at: int) -> bool:
    return (one, at) == (sequence, span)


def first_days(period: Period, today: date) -> list[date]:
    """Return the first day of each span of a period, and the day after the last."""
    count, length = _SPANS[period]
    end = today + timedelta(days=1)
    return [end - timedelta(days=length * back) for back in range(count, -1, -1)]


def _waiting(
    published: Published, sequence: Sequence, people: list[PlaceCount], now: datetime
) -> Counter[str | None]:
    """Return how many people wait for each step; under None, those who wait for no email."""
    counts: Counter[str | None] = Counter()
    for one in people:
        step = awaited_step(sequence, one.place, now, published.calendar)
        counts[step.email if step else None] += one.count
    return counts


def _awaits_collection(sequence: Sequence, people: PlaceCount) -> bool:
    return sequence.has_guide and not people.place.collected and not people.place.guide_wanted


def _stage(
    published: Published,
    sequence: Sequence,
    email: str,
    found: _Counts,
    waiting: Counter[str | None],
) -> FunnelStep:
    step = next((one for one in sequence.steps if one.email == email), None)
    compiled = published.find_email(f"{sequence.key}/{email}")
    subject = compiled.subject if compiled else email
    return FunnelStep(email, step, subject, found.of_step(sequence.key, email), waiting[email])
