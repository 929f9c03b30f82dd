"""Preferences: what someone wants to receive, and opting out."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from nurture.domain.scheduling.gate import PAUSE, Frequency, PausedBy
from nurture.domain.subscribers.address import masked
from nurture.domain.subscribers.consent import (
    ELSEWHERE,
    JOURNAL,
    OWN_WORDINGS,
    STUDIO,
    ConsentChange,
    ConsentRecord,
    Evidence,
    Purpose,
    changed,
)
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind
from nurture.services.catalogue import Catalogue, Published
from nurture.services.subscribers.suppression import end_what_is_under_way, go_on
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import consents, enrolments, events, messages, subscribers
from nurture.store.tables.subscribers import Subscriber
from nurture.store.tables.suppressions import find_suppression, lift_suppression, stands, suppress

#: Where a consent record says that a purpose was withdrawn by stopping everything.
_STOP = "unsubscribe"
_STOPS = (_STOP, STUDIO, ELSEWHERE, JOURNAL)


class Wish(StrEnum):
    """How often someone wants to hear from us, as asked on the preference page."""

    USUAL = "usual"
    FEWER = "fewer"
    PAUSED = "paused"
    STOPPED = "stopped"


_LEAST_LAST = (Wish.USUAL, Wish.FEWER, Wish.PAUSED, Wish.STOPPED)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What someone currently receives, and all they have agreed to, with their times.

    `came_back` says that emails to their address bounce, whatever they wish.
    """

    masked_address: str
    frequency: Wish
    paused_until: datetime | None
    tracking: bool
    health_topics: bool
    history: tuple[ConsentRecord, ...] = ()
    came_back: bool = False


@dataclass(frozen=True, slots=True)
class PreferenceChange:
    """What someone wants from now on."""

    frequency: Wish
    tracking: bool
    health_topics: bool


def find_preferences(database: Database, subscriber_id: int, now: datetime) -> Preferences | None:
    """Return what that person currently receives, or `None` if they are no longer known."""
    with database.reading() as connection:
        person = subscribers.find_subscriber(connection, subscriber_id)
        return _preferences(connection, person, now) if person else None


def change_preferences(
    database: Database,
    catalogue: Catalogue,
    subscriber_id: int,
    change: PreferenceChange,
    evidence: Evidence,
    now: datetime,
) -> Preferences | None:
    """Store what someone wants; it applies from the next email on, even to claimed messages."""
    with database.writing() as connection:
        locks.hold_person(connection, subscriber_id)
        person = subscribers.find_subscriber(connection, subscriber_id)
        if person is None:
            return None
        wanted = {
            Purpose.TRACKING: change.tracking,
            Purpose.HEALTH_TOPICS: change.health_topics,
        }
        subscribers.change_subscriber(connection, person.id, boxes_seen_at=now)
        changes = changed(person.consents, wanted, OWN_WORDINGS)
        published = catalogue.current(connection)
        privacy = published.practice.privacy_version
        _record(connection, person, changes, "preferences", privacy, evidence, now)
        _follow_wish(connection, published, person, change.frequency, evidence, now)
        return _preferences(connection, _again(connection, person), now)


def want_less(
    database: Database,
    catalogue: Catalogue,
    subscriber_id: int,
    change: PreferenceChange,
    evidence: Evidence,
    now: datetime,
) -> None:
    """Apply only those changes that reduce what the person receives.

    This is for a link that anyone may have made: it must accept an opt-out, but cannot opt in.
    """
    with database.writing() as connection:
        locks.hold_person(connection, subscriber_id)
        person = subscribers.find_subscriber(connection, subscriber_id)
        if person is None:
            return
        privacy = catalogue.current(connection).practice.privacy_version
        kept = {Purpose.TRACKING: change.tracking, Purpose.HEALTH_TOPICS: change.health_topics}
        refused = {purpose: False for purpose, yes in kept.items() if not yes}
        changes = changed(person.consents, refused, OWN_WORDINGS)
        _record(connection, person, changes, "preferences", privacy, evidence, now)
        present = _preferences(connection, person, now).frequency
        if change.frequency is Wish.STOPPED:
            stop(connection, person, None, privacy, evidence, now)
        elif _LEAST_LAST.index(change.frequency) > _LEAST_LAST.index(present):
            _write_as_often(connection, person, change.frequency, now)


def unsubscribe(
    database: Database,
    catalogue: Catalogue,
    subscriber_id: int,
    message: int | None,
    evidence: Evidence,
    now: datetime,
    whose: str = "",
) -> None:
    """Stop all emails to that person immediately; safe to repeat. `message` led them here.

    If they were erased, only the keyed hash of the address is left; if a restore has lost the
    number, it is `whose` in the link. The opt-out is stored under that hash, and stops emails to
    anyone who has signed up with the same address since.
    """
    with database.writing() as connection:
        address_hash, person = _hold_behind(connection, subscriber_id, whose)
        if person:
            privacy = catalogue.current(connection).practice.privacy_version
            stop(connection, person, message, privacy, evidence, now)
        elif address_hash and not stands(connection, address_hash, SuppressionReason.ERASED):
            suppress(connection, address_hash, SuppressionReason.UNSUBSCRIBED, now)


def resubscribe(
    database: Database,
    catalogue: Catalogue,
    subscriber_id: int,
    evidence: Evidence,
    now: datetime,
    whose: str = "",
) -> None:
    """Undo an unsubscription at the person's own request; other suppressions stay."""
    with database.writing() as connection:
        address_hash, person = _hold_behind(connection, subscriber_id, whose)
        if person:
            _start_again(connection, catalogue.current(connection), person, evidence, now)
        elif address_hash:
            lift_suppression(connection, address_hash, SuppressionReason.UNSUBSCRIBED, now)


def _hold_behind(
    connection: Connection, subscriber_id: int, whose: str
) -> tuple[str, Subscriber | None]:
    """Return the hash of the address a link went to and its current subscriber, both locked."""
    known = subscribers.find_hash(connection, subscriber_id)
    address_hash = whose if known is None else known
    if not address_hash:
        return address_hash, None
    locks.hold_address(connection, address_hash)
    number = subscribers.find_by_hash(connection, address_hash)
    if number is None:
        return address_hash, None
    locks.hold_person(connection, number)
    return address_hash, subscribers.find_subscriber(connection, number)


def _preferences(connection: Connection, person: Subscriber, now: datetime) -> Preferences:
    paused = person.paused_until is not None and person.paused_until > now
    return Preferences(
        masked_address=masked(person.address),
        frequency=_wish(connection, person, paused),
        paused_until=person.paused_until if paused else None,
        tracking=Purpose.TRACKING in person.consents,
        health_topics=Purpose.HEALTH_TOPICS in person.consents,
        history=_history(connection, person),
        came_back=stands(connection, person.address_hash, SuppressionReason.BOUNCED),
    )


def _history(connection: Connection, person: Subscriber) -> tuple[ConsentRecord, ...]:
    zone, records = ZoneInfo(person.time_zone), consents.consent_records(connection, person.id)
    return tuple(
        replace(
            r,
            recorded_at=r.recorded_at.astimezone(zone),
            said_at=r.said_at.astimezone(zone) if r.said_at else None,
        )
        for r in records
    )


def _wish(connection: Connection, person: Subscriber, paused: bool) -> Wish:
    agreed = Purpose.MARKETING in person.consents
    reason = find_suppression(connection, person.address_hash)
    came_back = SuppressionReason.BOUNCED
    # Whoever is not reached has not said no, and must not say it by saving something else.
    if not agreed or reason not in (None, came_back):
        return Wish.STOPPED
    return Wish.PAUSED if paused else Wish(person.frequency)


def _follow_wish(
    connection: Connection,
    published: Published,
    person: Subscriber,
    wish: Wish,
    evidence: Evidence,
    now: datetime,
) -> None:
    if wish is Wish.STOPPED:
        # Whoever has agreed to no emails finds this chosen already and stops nothing by it.
        if Purpose.MARKETING in person.consents:
            stop(connection, person, None, published.practice.privacy_version, evidence, now)
        return
    want_emails(connection, published, person, "preferences", evidence, now)
    _write_as_often(connection, person, wish, now)


def _write_as_often(connection: Connection, person: Subscriber, wish: Wish, now: datetime) -> None:
    """Apply a frequency to someone who gets emails, from the next one on."""
    frequency = person.frequency if wish is Wish.PAUSED else Frequency(wish)
    paused_until = now + PAUSE if wish is Wish.PAUSED else None
    already = person.paused_until if person.paused_until and person.paused_until > now else None
    subscribers.change_subscriber(
        connection,
        person.id,
        frequency=frequency,
        paused_until=(already or paused_until) if paused_until else None,
        paused_by=person.paused_by if already else PausedBy.PERSON,
    )
    messages.cancel_open(connection, person.id, "the preferences changed")
    enrolments.look_at_once(connection, enrolments.of_subscriber(person.id), now)


def stop(
    connection: Connection,
    person: Subscriber,
    message: int | None,
    privacy: str,
    evidence: Evidence,
    now: datetime,
    source: str = _STOP,
    at: datetime | None = None,
) -> None:
    """Stop all emails to a person already locked by the open transaction.

    It counts whatever else suppresses the address. `source` is where the consent record says the
    request was made: `unsubscribe`, `studio`, `journal`, or `elsewhere`, for which an event is
    already stored. A mail provider gives the time of the request as `at`; if the person has undone
    an unsubscription since then, it changes nothing.
    """
    unsubscribed, address_hash = SuppressionReason.UNSUBSCRIBED, person.address_hash
    stood = stands(connection, address_hash, unsubscribed)
    if stood and at is None:
        return
    if not suppress(connection, address_hash, unsubscribed, at or now) or stood:
        return
    withdrawn = [
        ConsentChange(purpose, False, OWN_WORDINGS[purpose])
        for purpose in (Purpose.GUIDE, Purpose.MARKETING)
        if purpose in person.consents
    ]
    _record(connection, person, withdrawn, source, privacy, evidence, now)
    end_what_is_under_way(connection, person.id, address_hash, now)
    messages.cancel_open(connection, person.id, "they unsubscribed")
    if source != ELSEWHERE:
        noted = "pages" if source == _STOP else source
        _note_unsubscribed(connection, person, message, noted, now)


def want_emails(
    connection: Connection,
    published: Published,
    person: Subscriber,
    source: str,
    evidence: Evidence,
    now: datetime,
) -> None:
    """Ensure that a person who wants the emails gets them, unless their address does not work.

    An unsubscription is undone, and consent that was never given, or lapsed in silence, is recorded
    with its `source`.
    """
    _start_again(connection, published, person, evidence, now)
    if find_suppression(connection, person.address_hash):
        return
    present, privacy = _again(connection, person).consents, published.practice.privacy_version
    granted = changed(present, {Purpose.MARKETING: True}, OWN_WORDINGS)
    _record(connection, person, granted, source, privacy, evidence, now)
    if granted:
        enrolments.take_up_unsubscribed(connection, person.id, now)


def _start_again(
    connection: Connection,
    published: Published,
    person: Subscriber,
    evidence: Evidence,
    now: datetime,
) -> None:
    unsubscribed = SuppressionReason.UNSUBSCRIBED
    if not lift_suppression(connection, person.address_hash, unsubscribed, now):
        return
    granted = [
        ConsentChange(purpose, True, OWN_WORDINGS[purpose])
        for source in _STOPS
        for purpose in consents.withdrawn_by(connection, person.id, source)
    ]
    privacy = published.practice.privacy_version
    _record(connection, person, granted, "resubscribe", privacy, evidence, now)
    enrolments.take_up_unsubscribed(connection, person.id, now)
    if not find_suppression(connection, person.address_hash):
        go_on(connection, published, person.id, now, now)


def _record(
    connection: Connection,
    person: Subscriber,
    changes: list[ConsentChange],
    source: str,
    privacy: str,
    evidence: Evidence,
    now: datetime,
) -> None:
    consents.record_consents(
        connection,
        person.id,
        changes,
        source=source,
        privacy_version=privacy,
        evidence=evidence,
        now=now,
    )


def _note_unsubscribed(
    connection: Connection, person: Subscriber, message: int | None, source: str, now: datetime
) -> None:
    known = messages.find_message(connection, message) if message else None
    unsubscribed = {
        "kind": EventKind.UNSUBSCRIBED,
        "subscriber_id": person.id,
        "message_id": known.id if known else None,
        "email": known.email if known else None,
        "happened_at": now,
        "source": source,
        "source_key": f"unsubscribed:{person.id}:{now.isoformat()}",
        "verdict": "human",
    }
    events.add_events(connection, [unsubscribed])


def _again(connection: Connection, person: Subscriber) -> Subscriber:
    return subscribers.get_by_address(connection, person.address)
