"""Preferences: what someone wants to receive, and opting out."""

from dataclasses import replace
from datetime import datetime

from nurture.domain.reasons import Code, Reason
from nurture.domain.sequences.enrolment import EndReason
from nurture.domain.subscribers import consent, preferences
from nurture.domain.subscribers.preferences import (
    CameBack,
    Often,
    PreferenceChange,
    Preferred,
    Stopped,
    Wanted,
)
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind, PageDeed
from nurture.domain.tracking.hits import Verdict
from nurture.services.catalogue import Catalogue, Published
from nurture.services.subscribers.subscription import (
    PREFERENCES,
    STOP,
    Preferences,
    offered,
    preferences_of,
    subscription_of,
)
from nurture.services.subscribers.suppression import end_by, go_on
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import (
    enrolments,
    events,
    message_changes,
    messages,
    subscribers,
)
from nurture.store.tables.awaited_consents import drop_awaited
from nurture.store.tables.consents import record_consents
from nurture.store.tables.subscribers import Subscriber
from nurture.store.tables.suppressions import lift_suppression, stands, suppress


def find_preferences(
    database: Database, catalogue: Catalogue, subscriber_id: int, now: datetime
) -> Preferences | None:
    """Return what that person currently receives, or `None` if they are no longer known."""
    with database.reading() as connection:
        person = subscribers.find_subscriber(connection, subscriber_id)
        if person is None:
            return None
        return preferences_of(connection, catalogue.current(connection), person, now)


def change_preferences(
    database: Database,
    catalogue: Catalogue,
    subscriber_id: int,
    change: PreferenceChange,
    evidence: consent.Evidence,
    now: datetime,
) -> Preferences | None:
    """Store what someone wants; it applies from the next email on, even to claimed messages.

    Raise `UnclearWishError`, and change nothing, if what they want can only be guessed.
    """
    with database.writing() as connection:
        person = locks.hold_subscriber(connection, subscriber_id)
        if person is None:
            return None
        present, published = subscription_of(connection, person), catalogue.current(connection)
        streams = offered(present, change.streams)
        preferences.check_wish(present, change.frequency, streams, now)
        subscribers.change_subscriber(connection, person.id, boxes_seen_at=now)
        # They have answered both boxes here, which is newer than a tick in a form.
        drop_awaited(connection, [person.id])
        decided = preferences.prefer(present, change.frequency, change.boxes, now, streams)
        _follow(connection, published, person, decided, evidence, now)
        if decided.stopped is None:
            events.note_page_deed(connection, person.id, PageDeed.PREFERENCES, now)
        after = locks.hold_subscriber(connection, person.id)
        return preferences_of(connection, published, after, now) if after else None


def want_less(
    database: Database,
    catalogue: Catalogue,
    subscriber_id: int,
    change: PreferenceChange,
    evidence: consent.Evidence,
    now: datetime,
) -> None:
    """Apply only those changes that reduce what the person receives.

    This is for a link that anyone may have made: it must accept an opt-out, but cannot opt in, and
    it is no sign of life.
    """
    with database.writing() as connection:
        person = locks.hold_subscriber(connection, subscriber_id)
        if person:
            present, published = subscription_of(connection, person), catalogue.current(connection)
            streams = offered(present, change.streams)
            wish, boxes = change.frequency, change.boxes
            refused = {scope.purpose for scope, yes in boxes.items() if not yes}
            drop_awaited(connection, [person.id], refused)
            decided = preferences.prefer_less(present, wish, boxes, now, streams)
            _follow(connection, published, person, decided, evidence, now)
            if decided.changes_anything:
                message_changes.cancel_open(connection, person.id, Reason(Code.PREFERENCES_CHANGED))
                enrolments.look_at_once(connection, enrolments.of_subscriber(person.id), now)


def unsubscribe(
    database: Database,
    catalogue: Catalogue,
    subscriber_id: int,
    message: int | None,
    evidence: consent.Evidence,
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
    evidence: consent.Evidence,
    now: datetime,
    whose: str = "",
) -> None:
    """Undo an unsubscription at the person's own request; other suppressions stay."""
    with database.writing() as connection:
        address_hash, person = _hold_behind(connection, subscriber_id, whose)
        if person:
            published, present = catalogue.current(connection), subscription_of(connection, person)
            if back := preferences.come_back(present, now):
                _come_back(connection, published, person, back, evidence, now)
                events.note_page_deed(connection, person.id, PageDeed.UNDO, now)
        elif address_hash:
            lift_suppression(connection, address_hash, SuppressionReason.UNSUBSCRIBED, now)


def keep_only(
    database: Database,
    catalogue: Catalogue,
    subscriber_id: int,
    stream: consent.Scope,
    evidence: consent.Evidence,
    now: datetime,
) -> bool:
    """Take back a stop for one kind of email that the person got before.

    They get no other kind from then on, not even as a client. Return whether that is so, which it
    is too if they have asked for it before.
    """
    with database.writing() as connection:
        _, person = _hold_behind(connection, subscriber_id, "")
        if person is None:
            return False
        present = subscription_of(connection, person)
        back = preferences.keep_only(present, stream, now)
        if back is None:
            return preferences.is_only(present, stream)
        _come_back(connection, catalogue.current(connection), person, back, evidence, now)
        events.note_page_deed(connection, person.id, PageDeed.UNDO, now)
        if stream.purpose is not consent.Purpose.NEWS:
            subscribers.change_subscriber(connection, person.id, client_basis_at=None)
    return True


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
    return address_hash, locks.hold_subscriber(connection, number)


def _follow(
    connection: Connection,
    published: Published,
    person: Subscriber,
    decided: Preferred,
    evidence: consent.Evidence,
    now: datetime,
) -> None:
    where = consent.Origin(PREFERENCES, published.practice.privacy_version, evidence)
    record_consents(connection, person.id, decided.boxes, where, now)
    if decided.stopped:
        _stop(connection, person, decided.stopped, None, replace(where, source=STOP), now, now)
    if decided.wanted:
        _want(connection, published, person, decided.wanted, where, now)
    if decided.ends_client_basis:
        subscribers.change_subscriber(connection, person.id, client_basis_at=None)
    if decided.often:
        _write_as_often(connection, person, decided.often, now)


def _write_as_often(
    connection: Connection, person: Subscriber, often: Often, now: datetime
) -> None:
    """Apply a wish from the next email on, including emails already claimed."""
    subscribers.change_subscriber(connection, person.id, **often._asdict())
    message_changes.cancel_open(connection, person.id, Reason(Code.PREFERENCES_CHANGED))
    enrolments.look_at_once(connection, enrolments.of_subscriber(person.id), now)


def stop(
    connection: Connection,
    person: Subscriber,
    message: int | None,
    privacy: str,
    evidence: consent.Evidence,
    now: datetime,
    source: str = STOP,
    at: datetime | None = None,
) -> None:
    """Stop all emails to a person already locked by the open transaction.

    It counts whatever else suppresses the address. `source` is where the consent record says the
    request was made: `unsubscribe`, `studio`, `journal`, or `elsewhere`, for which an event is
    already stored. A mail provider gives the time of the request as `at`; if the person has undone
    an unsubscription since then, it changes nothing.
    """
    decided = preferences.stop(subscription_of(connection, person))
    if decided or at:
        where = consent.Origin(source, privacy, evidence)
        _stop(connection, person, decided, message, where, now, at or now)


def _stop(
    connection: Connection,
    person: Subscriber,
    decided: Stopped | None,
    message: int | None,
    where: consent.Origin,
    now: datetime,
    at: datetime,
) -> None:
    """Suppress the address and end what is under way, unless they had unsubscribed before."""
    why = SuppressionReason.UNSUBSCRIBED
    if not suppress(connection, person.address_hash, why, at) or decided is None:
        return
    record_consents(connection, person.id, decided.withdrawn, where, now)
    end_by(connection, person.id, decided.reason, now)
    message_changes.cancel_open(connection, person.id, Reason(EndReason.UNSUBSCRIBED))
    if where.source != consent.ELSEWHERE:
        noted = "pages" if where.source == STOP else where.source
        _note_unsubscribed(connection, person, message, noted, now)


def want_emails(
    connection: Connection,
    published: Published,
    person: Subscriber,
    source: str,
    evidence: consent.Evidence,
    now: datetime,
) -> None:
    """Ensure that a person who wants the emails gets them, unless their address does not work.

    An unsubscription is undone, and consent that was never given, or lapsed in silence, is recorded
    with its `source`.
    """
    wanted = preferences.want_emails(subscription_of(connection, person), now)
    where = consent.Origin(source, published.practice.privacy_version, evidence)
    _want(connection, published, person, wanted, where, now)


def _want(
    connection: Connection,
    published: Published,
    person: Subscriber,
    wanted: Wanted,
    where: consent.Origin,
    now: datetime,
) -> None:
    if wanted.came_back:
        _come_back(connection, published, person, wanted.came_back, where.evidence, now)
    record_consents(connection, person.id, wanted.agreed, where, now)
    if any(change.granted for change in wanted.agreed):
        enrolments.take_up_unsubscribed(connection, person.id, now)


def _come_back(
    connection: Connection,
    published: Published,
    person: Subscriber,
    back: CameBack,
    evidence: consent.Evidence,
    now: datetime,
) -> None:
    lift_suppression(connection, person.address_hash, SuppressionReason.UNSUBSCRIBED, now)
    where = consent.Origin("resubscribe", published.practice.privacy_version, evidence)
    record_consents(connection, person.id, back.granted, where, now)
    enrolments.take_up_unsubscribed(connection, person.id, now)
    if back.left is None:
        go_on(connection, published, person.id, now, now)


def _note_unsubscribed(
    connection: Connection, person: Subscriber, message: int | None, source: str, now: datetime
) -> None:
    known = messages.find_message(connection, message) if message else None
    unsubscribed = events.NewEvent(
        kind=EventKind.UNSUBSCRIBED,
        happened_at=now,
        source=source,
        source_key=f"unsubscribed:{person.id}:{now.isoformat()}",
        subscriber_id=person.id,
        message_id=known.id if known else None,
        email=known.email if known else None,
        verdict=Verdict.HUMAN,
    )
    events.add_events(connection, [unsubscribed])
