"""The overview: what happened recently and what comes next, counted for the owner's first page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Select, and_, case, exists, func, select

from nurture.domain.messages.status import KEPT, MessageStatus
from nurture.domain.reasons import said
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind
from nurture.store.queries.due import LIVE
from nurture.store.tables.enrolments import NOT_HELD, enrolments
from nurture.store.tables.events import HUMAN, events
from nurture.store.tables.messages import messages
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import repeats_a_spelling, suppressions
from nurture.store.types import Json

#: Whether an accepted email has left this machine: the outbox gives no reply code. If the owner
#: said that an email in doubt was sent, that is the reason.
_LEFT = (
    messages.c.code.is_not(None)
    | messages.c.reason.not_in(("", KEPT))
    | (messages.c.status != MessageStatus.ACCEPTED)
)


@dataclass(frozen=True, slots=True)
class RecentPerson:
    """A person something happened to; `what` is the form, the booking or the reason."""

    subscriber: int
    name: str
    address: str
    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StepCount:
    """The number of emails of one step."""

    sequence: str
    step: str
    count: int


@dataclass(frozen=True, slots=True)
class Looks:
    """How many enrolments at the same place are due to be looked at within a period."""

    sequence: str
    passed: frozenset[str]
    collected: bool
    guide_wanted: bool
    count: int


@dataclass(frozen=True, slots=True)
class HeldUp:
    """How many emails are waiting for the same reason, and since when."""

    reason: str
    count: int
    since: datetime


@dataclass(frozen=True, slots=True)
class MessageToSettle:
    """A message in doubt, with what the owner needs to know to settle it."""

    message: int
    subscriber: int
    name: str
    address: str
    sequence: str
    step: str
    at: datetime


def count_sent(connection: Connection, moments: Sequence[datetime]) -> list[int]:
    """Count the emails that the mail server accepted between each of the moments and the next."""
    spans = pairwise(moments)
    at = messages.c.accepted_at
    counted = [func.count(case((and_(at >= begin, at < end), 1))) for begin, end in spans]
    within = (at >= moments[0]) & (at < moments[-1])
    row = connection.execute(select(*counted).where(within, _LEFT)).one()
    return [int(count) for count in row]


def count_kept(connection: Connection, since: datetime) -> int:
    """Count the emails written to the outbox since then, for want of a mail server."""
    counted = select(func.count()).select_from(messages)
    return connection.scalar(counted.where(messages.c.accepted_at >= since, ~_LEFT)) or 0


def sent_by_step(connection: Connection, since: datetime) -> list[StepCount]:
    """Count the emails of each step that the mail server accepted since then, most first."""
    number = func.count()
    chosen = select(messages.c.sequence, messages.c.step, number)
    recent = chosen.where(messages.c.accepted_at >= since, _LEFT)
    by_step = recent.group_by(messages.c.sequence, messages.c.step)
    ordered = by_step.order_by(number.desc(), messages.c.sequence, messages.c.step)
    return [StepCount(*row) for row in connection.execute(ordered)]


def has_sent(connection: Connection) -> bool:
    """Return whether a mail server has ever accepted an email; the outbox does not count."""
    taken = select(messages.c.id).where(messages.c.accepted_at.is_not(None), _LEFT).limit(1)
    return connection.scalar(taken) is not None


def looks_within(connection: Connection, begin: datetime | None, end: datetime) -> list[Looks]:
    """Count the enrolments to be looked at before `end` and, if given, not before `begin`."""
    place = (
        enrolments.c.sequence,
        enrolments.c.passed,
        enrolments.c.collected_at.is_not(None).label("collected"),
        enrolments.c.guide_wanted,
    )
    active = enrolments.c.status == EnrolmentStatus.ACTIVE
    within = [active, NOT_HELD, LIVE, enrolments.c.next_look_at < end]
    if begin:
        within.append(enrolments.c.next_look_at >= begin)
    counted = select(*place, func.count()).where(*within).group_by(*place)
    return [Looks(*row) for row in connection.execute(counted)]


def count_signups_since(connection: Connection, since: datetime) -> int:
    """Return how many times a form was submitted since then."""
    counted = select(func.count()).select_from(signups).where(signups.c.signed_up_at >= since)
    return connection.scalar(counted) or 0


def count_suppressed_since(
    connection: Connection, reason: SuppressionReason, since: datetime
) -> int:
    """Return how many addresses have been suppressed for that reason since then."""
    own = ~repeats_a_spelling()
    that = (suppressions.c.reason == reason) & (suppressions.c.since >= since) & own
    return connection.scalar(select(func.count()).select_from(suppressions).where(that)) or 0


def latest_signups(connection: Connection, limit: int) -> list[RecentPerson]:
    """Return the latest signups, newest first; `what` is the form."""
    chosen = select(
        subscribers.c.id,
        subscribers.c.first_name,
        subscribers.c.address,
        signups.c.form,
        signups.c.signed_up_at,
    ).join(subscribers)
    known = chosen.where(subscribers.c.address.is_not(None))
    latest = known.order_by(signups.c.id.desc()).limit(limit)
    return [RecentPerson(*row) for row in connection.execute(latest)]


def latest_bookings(connection: Connection, limit: int) -> list[RecentPerson]:
    """Return the latest bookings, newest first; `what` is the calendar."""
    chosen = select(
        subscribers.c.id,
        subscribers.c.first_name,
        subscribers.c.address,
        events.c.source,
        events.c.happened_at,
    ).join(subscribers, subscribers.c.id == events.c.subscriber_id)
    booked = (events.c.kind == EventKind.BOOKED) & subscribers.c.address.is_not(None)
    latest = chosen.where(booked).order_by(events.c.id.desc()).limit(limit)
    return [RecentPerson(*row) for row in connection.execute(latest)]


def latest_replies(connection: Connection, since: datetime, limit: int) -> list[RecentPerson]:
    """Return who has replied since then, newest first; `what` is the email."""
    replied_at = func.max(events.c.happened_at).label("replied_at")
    who = (subscribers.c.id, subscribers.c.first_name, subscribers.c.address)
    replied = (events.c.kind == EventKind.REPLIED) & HUMAN & (events.c.happened_at >= since)
    chosen = (
        select(*who, func.max(events.c.email), replied_at)
        .join(subscribers, subscribers.c.id == events.c.subscriber_id)
        .where(replied, subscribers.c.address.is_not(None))
        .group_by(*who)
    )
    latest = chosen.order_by(replied_at.desc()).limit(limit)
    return [RecentPerson(*row) for row in connection.execute(latest)]


def refused_addresses(connection: Connection, since: datetime, limit: int) -> list[RecentPerson]:
    """Return people who bounced or complained since then, newest first; `what` says which."""
    chosen = select(
        subscribers.c.id,
        subscribers.c.first_name,
        subscribers.c.address,
        suppressions.c.reason,
        suppressions.c.since,
    ).join(suppressions, suppressions.c.address_hash == subscribers.c.address_hash)
    stronger = suppressions.alias()
    complained = exists().where(
        stronger.c.address_hash == suppressions.c.address_hash,
        stronger.c.reason == SuppressionReason.COMPLAINED,
    )
    refused = (suppressions.c.reason == SuppressionReason.COMPLAINED) | (
        (suppressions.c.reason == SuppressionReason.BOUNCED) & ~complained
    )
    recent = chosen.where(refused, suppressions.c.since >= since)
    known = recent.where(subscribers.c.address.is_not(None))
    latest = known.order_by(suppressions.c.since.desc(), subscribers.c.id).limit(limit)
    return [RecentPerson(*row) for row in connection.execute(latest)]


def held_up(connection: Connection) -> list[HeldUp]:
    """Return the emails that are waiting without a reply from a mail server, by reason."""
    silent = (messages.c.status == MessageStatus.DEFERRED) & messages.c.code.is_(None)
    return _by_reason(connection, select(*_HELD_UP).where(silent))


def refused_mails(connection: Connection, since: datetime) -> list[HeldUp]:
    """Return the emails refused permanently whose addresses are not suppressed, by reason."""
    suppressed = select(suppressions.c.address_hash)
    refused = (messages.c.status == MessageStatus.FAILED) & (messages.c.claimed_at >= since)
    chosen = select(*_HELD_UP).join(subscribers)
    return _by_reason(
        connection, chosen.where(refused, subscribers.c.address_hash.not_in(suppressed))
    )


#: Rows with the same text have the same code, if they have one.
_HELD_UP = (
    messages.c.reason,
    func.max(messages.c.why),
    func.max(messages.c.about, type_=Json()),
    func.count(),
    func.min(messages.c.claimed_at),
)


def _by_reason(connection: Connection, chosen: Select[Any]) -> list[HeldUp]:
    reason = messages.c.reason
    rows = connection.execute(chosen.group_by(reason).order_by(func.count().desc(), reason))
    return [HeldUp(said(why, about, text), count, since) for text, why, about, count, since in rows]


def doubts(connection: Connection, limit: int) -> list[MessageToSettle]:
    """Return the messages in doubt, oldest first."""
    chosen = select(
        messages.c.id,
        subscribers.c.id,
        subscribers.c.first_name,
        func.coalesce(subscribers.c.address, ""),
        messages.c.sequence,
        messages.c.step,
        messages.c.claimed_at,
    ).join(subscribers, subscribers.c.id == messages.c.subscriber_id)
    open_ones = chosen.where(messages.c.status == MessageStatus.IN_DOUBT)
    ordered = open_ones.order_by(messages.c.claimed_at, messages.c.id).limit(limit)
    return [MessageToSettle(*row) for row in connection.execute(ordered)]
