"""Funnels: the outcomes of each step's emails, counted in sets over messages and events."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, func, literal, select

from nurture.domain.broadcasts.broadcast import key_of
from nurture.domain.known_words import known_or_none
from nurture.domain.messages.status import TAKEN, MessageStatus
from nurture.domain.scheduling.awaited_step import SequencePosition
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import StepKind
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import HUMAN, events
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import agrees_to_tracking, subscribers

_ARRIVED = (MessageStatus.DELIVERED, MessageStatus.COMPLAINED)


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened to some emails, each email counted once for everything that happened to it.

    `followed` went to people who currently agree to tracking; only for these can it be known
    whether a person `read` them (opened or clicked) or `clicked`. `unsure` and `machine` were
    opened or clicked by someone unknown or by a machine, and by no person.
    """

    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    followed: int = 0
    read: int = 0
    clicked: int = 0
    unsure: int = 0
    machine: int = 0
    unsubscribed: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        names = [one.name for one in fields(Figures)]
        return Figures(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True)
class StepFigures:
    """The emails of one step that were sent within one period, by the number of the period."""

    sequence: str
    step: str
    span: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking, and the last email that was sent to the person before it."""

    message: int
    sequence: str
    step: str
    sent_at: datetime
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class PlaceCount:
    """How many people are under way at the same place in a sequence."""

    sequence: str
    place: SequencePosition
    count: int


def count_steps(
    connection: Connection, moments: Sequence[datetime], sequence: str | None = None
) -> list[StepFigures]:
    """Return the outcomes of the emails sent between each of the moments and the next."""
    one = _per_message(connection.dialect.name, moments, sequence).subquery("one")
    summed = [func.sum(one.c[field.name]) for field in fields(Figures)]
    place = (one.c.sequence, one.c.step, one.c.span)
    rows = connection.execute(select(*place, *summed).group_by(*place))
    return [StepFigures(row[0], row[1], row[2], Figures(*map(int, row[3:]))) for row in rows]


def bookings_since(connection: Connection, since: datetime) -> list[Booking]:
    """Return the bookings since then by people who had been sent something, oldest first."""
    latest = func.row_number().over(
        partition_by=events.c.id, order_by=(messages.c.accepted_at.desc(), messages.c.id.desc())
    )
    before = and_(
        messages.c.subscriber_id == events.c.subscriber_id,
        messages.c.accepted_at <= events.c.happened_at,
        messages.c.status.in_(TAKEN),
        messages.c.kind.not_in([kind for kind in StepKind if kind.rules.consent is None]),
    )
    booked = and_(events.c.kind == EventKind.BOOKED, HUMAN, events.c.happened_at >= since)
    chosen = select(
        messages.c.id,
        messages.c.sequence,
        messages.c.step,
        messages.c.accepted_at,
        events.c.happened_at,
        latest.label("place"),
    )
    each = chosen.select_from(events).join(messages, before).where(booked).subquery()
    last = select(each).where(each.c.place == 1).order_by(each.c.happened_at)
    return [Booking(*row[:-1]) for row in connection.execute(last)]


def places(connection: Connection) -> list[PlaceCount]:
    """Count the people under way, by their place."""
    place = (
        enrolments.c.sequence,
        enrolments.c.passed,
        enrolments.c.collected_at.is_not(None).label("collected"),
        enrolments.c.guide_wanted,
    )
    active = enrolments.c.status == EnrolmentStatus.ACTIVE
    rows = connection.execute(select(*place, func.count()).where(active).group_by(*place))
    return [
        PlaceCount(row[0], SequencePosition(row[1], bool(row[2]), row[3]), row[4]) for row in rows
    ]


def count_enrolled(connection: Connection) -> dict[str, dict[EnrolmentStatus, int]]:
    """Count the enrolments in each sequence, by status."""
    place = (enrolments.c.sequence, enrolments.c.status)
    counted: dict[str, dict[EnrolmentStatus, int]] = {}
    for sequence, status, count in connection.execute(
        select(*place, func.count()).group_by(*place)
    ):
        if stands := known_or_none(EnrolmentStatus, status):
            counted.setdefault(sequence, {})[stands] = count
    return counted


def _per_message(dialect: str, moments: Sequence[datetime], sequence: str | None) -> Any:
    """Return one row per email, with a 1 for everything that is true of it."""
    at = messages.c.accepted_at
    wanted = [messages.c.status.in_(TAKEN), at >= moments[0], at < moments[-1]]
    if sequence is not None:
        wanted.append(messages.c.sequence == sequence)
    if sequence is not None and key_of(sequence):
        # The few enrolments of a broadcast are found by an index, and their messages by another.
        theirs = select(enrolments.c.id).where(enrolments.c.sequence == sequence)
        wanted.append(messages.c.enrolment_id.in_(theirs))
    span = case(*[(at < end, number) for number, end in enumerate(moments[1:])], else_=None)
    return (
        select(
            messages.c.sequence,
            messages.c.step,
            span.label("span"),
            literal(1).label("sent"),
            _flag(messages.c.status.in_(_ARRIVED)).label("delivered"),
            _flag(messages.c.status == MessageStatus.BOUNCED).label("bounced"),
            _flag(agrees_to_tracking(dialect)).label("followed"),
            *_what_happened(),
        )
        .join(subscribers, subscribers.c.id == messages.c.subscriber_id)
        .outerjoin(events, events.c.message_id == messages.c.id)
        .where(*wanted)
        .group_by(messages.c.id, subscribers.c.id)
    )


def _what_happened() -> list[Any]:
    seen = events.c.kind.in_((EventKind.OPENED, EventKind.CLICKED))
    seen_by = {verdict: and_(seen, events.c.verdict == verdict) for verdict in Verdict}
    read, unsure, machine = (
        _any(seen_by[one]) for one in (Verdict.HUMAN, Verdict.UNSURE, Verdict.MACHINE)
    )
    clicked = and_(events.c.kind == EventKind.CLICKED, seen_by[Verdict.HUMAN])
    return [
        read.label("read"),
        _any(clicked).label("clicked"),
        _flag(and_(unsure == 1, read == 0)).label("unsure"),
        _flag(and_(machine == 1, unsure == 0, read == 0)).label("machine"),
        _any(events.c.kind == EventKind.UNSUBSCRIBED).label("unsubscribed"),
    ]


def _flag(condition: Any) -> Any:
    return case((condition, 1), else_=0)


def _any(condition: Any) -> Any:
    """Return 1 if the condition is true of any event of the email."""
    return func.max(_flag(condition))


def count_enrolments(connection: Connection) -> dict[str, int]:
    """Count the enrolments by status."""
    counted = select(enrolments.c.status, func.count()).group_by(enrolments.c.status)
    return {row[0]: row[1] for row in connection.execute(counted)}


def count_by_passed(connection: Connection, sequence: str) -> dict[frozenset[str], int]:
    """Count the people under way in a sequence, by the set of steps they have passed."""
    counted = (
        select(enrolments.c.passed, func.count())
        .where(enrolments.c.sequence == sequence, enrolments.c.status == EnrolmentStatus.ACTIVE)
        .group_by(enrolments.c.passed)
    )
    return {row[0]: row[1] for row in connection.execute(counted)}
