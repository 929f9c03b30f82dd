"""Bounces: what an email that bounced, or arrived, says about the address.

The result depends only on when things happened, so the same news reported late, twice or in
another order leads to the same state.
"""

from datetime import datetime, timedelta

from nurture.domain.messages.bounce_jumps import JUMP_WITHIN, is_jump
from nurture.domain.messages.bounces import Bounce, kind_of, tired_since
from nurture.domain.subscribers.suppression import SILENT_FOR, Suppression, SuppressionReason
from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.services.catalogue import Catalogue, Published
from nurture.services.subscribers.suppression import lift_bounce, suppress_address
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import bounces, suppressions
from nurture.store.tables.messages import Message
from nurture.store.tables.subscribers import Subscriber

BOUNCED = SuppressionReason.BOUNCED

#: The reason, in words, for a suppression because of soft bounces.
TIRED = "it bounced softly five times in a row, over two weeks or more"

_ARRIVED = {"source": "arrival", "reason": "a later mail arrived"}
_SILENCE = {"source": "arrival", "reason": "a guide was accepted and has not come back"}

_COLLECTED = {"source": "guide-page", "reason": "the guide was collected"}

#: An email offered at the very moment of a bounce is not later than it.
_BEFORE = timedelta(microseconds=1)


def kind_told(
    connection: Connection, event: MailEvent, person: Subscriber | None, now: datetime
) -> Bounce | None:
    """Return the kind of bounce a provider reports, or `None` for any other event.

    During a jump that the owner has not dealt with, every permanent bounce is held.
    """
    if event.kind is not EventKind.BOUNCED:
        return None
    kind = kind_of(event.permanent, event.reason)
    if kind is Bounce.HARD and person and _is_in_a_jump(connection, person, now):
        return Bounce.HELD
    return kind


def bounced(
    connection: Connection, person: Subscriber, kind: Bounce, why: str, at: datetime, now: datetime
) -> None:
    """Act on a bounce already stored as an event."""
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
    """Act on an arrival already stored as an event.

    If an email that was offered after the bounce arrived, the address works.
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
    """Lift a bounce if the guide on trial is being collected; return whether it was lifted."""
    bounce = _bounce_of(connection, person)
    if bounce is None or bounce.allows_guide_of != enrolment or bounce.asked_again_at is None:
        return False
    if not bounces.trial_was_accepted(connection, enrolment, bounce.asked_again_at):
        return False
    return lift_bounce(connection, published, person, now, now, _COLLECTED)


def believe_silence(database: Database, catalogue: Catalogue, now: datetime) -> int:
    """Lift bounces after which a guide was accepted days ago and has not bounced.

    This is for mail servers that do not report arrivals; if others arrived and this one is not
    known to have, the bounce stays. Return how many were lifted.
    """
    with database.reading() as connection:
        trials = bounces.silent_trials(connection, now - SILENT_FOR)
    return sum(_believe(database, catalogue, trial, now) for trial in trials)


def _believe(database: Database, catalogue: Catalogue, trial: bounces.Trial, now: datetime) -> bool:
    with database.writing() as connection:
        person = locks.hold_subscriber(connection, trial.subscriber)
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
        suppressions.lift_suppression(connection, person.address_hash, BOUNCED)
    suppress_address(connection, person.id, person.address_hash, TIRED, now, at=since)


def _tired_since(connection: Connection, person: Subscriber) -> datetime | None:
    told = bounces.returned_from(connection, person.id)
    return tired_since(told, suppressions.find_lifted_at(connection, person.address_hash, BOUNCED))


def _retract(
    connection: Connection, published: Published, person: Subscriber, now: datetime
) -> None:
    """Lift a suppression for soft bounces: as now known, there were never that many in a row."""
    lifted_at = suppressions.find_lifted_at(connection, person.address_hash, BOUNCED)
    hard = bounces.last_hard(connection, person.id)
    if hard and (lifted_at is None or hard >= lifted_at):
        suppressions.lift_suppression(connection, person.address_hash, BOUNCED)
        suppressions.suppress(connection, person.address_hash, BOUNCED, hard)
    else:
        lift_bounce(connection, published, person, None, now, _ARRIVED)


def _bounce_of(connection: Connection, person: Subscriber) -> Suppression | None:
    standing = suppressions.suppressions_of(connection, person.address_hash)
    return next((one for one in standing if one.reason is BOUNCED), None)
