"""Bouncing: what a mail that came back, or arrived, says about the address.

The answer rests on when things happened, so that the same news told late, twice or in another
order comes to the same.
"""

from datetime import datetime, timedelta

from nurture.domain.messages.bounces import JUMP_WITHIN, Bounce, is_jump, kind_of, tired_since
from nurture.domain.subscribers.suppression import SILENT_FOR, Suppression, SuppressionReason
from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.services.catalogue import Catalogue, Published
from nurture.services.subscribers.suppression import lift_bounce, suppress_address
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import bounces, subscribers
from nurture.store.tables.messages import Message
from nurture.store.tables.subscribers import Subscriber
from nurture.store.tables.suppressions import (
    find_lifted_at,
    lift_suppression,
    suppress,
    suppressions_of,
)

BOUNCED = SuppressionReason.BOUNCED

#: What an address that is suppressed for soft bounces is suppressed for, in words.
TIRED = "it bounced softly five times in a row, over two weeks or more"

_ARRIVED = {"source": "arrival", "reason": "a later mail arrived"}
_SILENCE = {"source": "arrival", "reason": "a guide was accepted and has not come back"}

_COLLECTED = {"source": "guide-page", "reason": "the guide was collected"}

#: A mail that was offered at the very moment of a bounce is not a later one.
_BEFORE = timedelta(microseconds=1)


def kind_told(
    connection: Connection, event: MailEvent, person: Subscriber | None, now: datetime
) -> Bounce | None:
    """What kind of bounce a provider tells of, or `None` where it tells of something else.

    In a jump of bounces for good that the owner has not looked at, each is held.
    """
    if event.kind is not EventKind.BOUNCED:
        return None
    kind = kind_of(event.permanent, event.reason)
    if kind is Bounce.HARD and person and _is_in_a_jump(connection, person, now):
        return Bounce.HELD
    return kind


def bounced(
    connection: Connection,
    person: Subscriber,
    kind: Bounce,
    why: str,
    at: datetime,
    now: datetime,
) -> None:
    """Act on a bounce that has been kept as an event already."""
    match kind:
        case Bounce.HARD:
            arrived_at = bounces.last_offer_that_arrived(connection, person.id)
            if arrived_at is None or arrived_at <= at:
                suppress_address(connection, person.id, person.address_hash, why, now, at=at)
        case Bounce.SOFT:
            _suppress_if_tired(connection, person, now)


def arrived(
    connection: Connection,
    published: Published,
    person: Subscriber,
    message: Message,
    now: datetime,
) -> None:
    """Act on an arrival that has been kept as an event already.

    A mail that was offered after the bounce and arrived shows that the address is good.
    """
    bounce = _bounce_of(connection, person)
    if bounce is None:
        return
    offered_at = message.claimed_at - _BEFORE
    if lift_bounce(connection, published, person, offered_at, now, _ARRIVED):
        return
    if bounce.detail == TIRED and _tired_since(connection, person) is None:
        _retract(connection, published, person, now)


def collected_on_trial(
    connection: Connection, published: Published, person: Subscriber, enrolment: int, now: datetime
) -> bool:
    """Whether a bounce is lifted because the guide that was on trial is being collected."""
    bounce = _bounce_of(connection, person)
    if bounce is None or bounce.allows_guide_of != enrolment or bounce.asked_again_at is None:
        return False
    if not bounces.trial_was_accepted(connection, enrolment, bounce.asked_again_at):
        return False
    return lift_bounce(connection, published, person, now, now, _COLLECTED)


def believe_silence(database: Database, catalogue: Catalogue, now: datetime) -> int:
    """Lift bounces after which a guide was accepted days ago and has not come back.

    That is for mail servers that tell of no arrivals; where others arrived and this one is
    not known to have, the bounce stays. Return how many were lifted.
    """
    with database.reading() as connection:
        trials = bounces.silent_trials(connection, now - SILENT_FOR)
    return sum(_believe(database, catalogue, trial, now) for trial in trials)


def _believe(database: Database, catalogue: Catalogue, trial: bounces.Trial, now: datetime) -> bool:
    with database.writing() as connection:
        locks.hold_person(connection, trial.subscriber)
        person = subscribers.find_subscriber(connection, trial.subscriber)
        if person is None:
            return False
        published = catalogue.current(connection)
        offered_at = trial.claimed_at - _BEFORE
        return lift_bounce(connection, published, person, offered_at, now, _SILENCE)


def _is_in_a_jump(connection: Connection, person: Subscriber, now: datetime) -> bool:
    if bounces.keep_jump_open(connection):
        return True
    looked_at = bounces.last_looked_at(connection)
    since = max(now - JUMP_WITHIN, looked_at) if looked_at else now - JUMP_WITHIN
    others = bounces.count_returned_for_good(connection, since, besides=person.id)
    accepted = bounces.count_accepted(connection, since)
    return is_jump(others + 1, accepted)


def _suppress_if_tired(connection: Connection, person: Subscriber, now: datetime) -> None:
    since, standing = _tired_since(connection, person), _bounce_of(connection, person)
    if since is None:
        return
    if standing and standing.detail == TIRED and standing.since != since:
        lift_suppression(connection, person.address_hash, BOUNCED)
    suppress_address(connection, person.id, person.address_hash, TIRED, now, at=since)


def _tired_since(connection: Connection, person: Subscriber) -> datetime | None:
    told = bounces.returned_from(connection, person.id)
    return tired_since(told, find_lifted_at(connection, person.address_hash, BOUNCED))


def _retract(
    connection: Connection, published: Published, person: Subscriber, now: datetime
) -> None:
    """By what is told now there never were as many soft bounces in a row."""
    lifted_at = find_lifted_at(connection, person.address_hash, BOUNCED)
    hard = bounces.last_hard(connection, person.id)
    if hard and (lifted_at is None or hard >= lifted_at):
        lift_suppression(connection, person.address_hash, BOUNCED)
        suppress(connection, person.address_hash, BOUNCED, hard)
    else:
        lift_bounce(connection, published, person, None, now, _ARRIVED)


def _bounce_of(connection: Connection, person: Subscriber) -> Suppression | None:
    standing = suppressions_of(connection, person.address_hash)
    return next((one for one in standing if one.reason is BOUNCED), None)
