"""Subscriptions: what a person currently gets and may choose, read from what is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from nurture.domain.scheduling.gate import PausedBy
from nurture.domain.subscribers import consent, preferences
from nurture.domain.subscribers.address import masked
from nurture.domain.subscribers.preferences import Subscription, Wish
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.catalogue import Published
from nurture.store.database import Connection
from nurture.store.tables import consents
from nurture.store.tables.subscribers import Subscriber
from nurture.store.tables.suppressions import find_lifted_at, stands, suppressions_of

#: The source of a consent record made on the preference page.
PREFERENCES = "preferences"

#: The source of a consent record if stopping everything withdrew the purpose.
STOP = "unsubscribe"
_STOPS = (STOP, consent.STUDIO, consent.ELSEWHERE, consent.JOURNAL)

#: The sources of a consent record if the tick of one kind of email was taken away.
_CHOICES = (PREFERENCES, consent.JOURNAL_OF_CHOICES)


@dataclass(frozen=True, slots=True)
class StreamChoice:
    """One kind of email that a person may choose; `title` is that of a series, else empty.

    `is_open` says that they stopped everything and got this kind before, so may keep it.
    """

    scope: consent.Scope
    title: str
    wanted: bool
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Preferences:
    """What someone currently receives, and all they have agreed to, with their times.

    `streams` are the kinds of email they may choose, each apart. `came_back` says that emails to
    their address bounce, whatever they wish, and `waits_for_answer` that they are paused because
    they replied.
    """

    masked_address: str
    frequency: Wish
    paused_until: datetime | None
    tracking: bool
    health_topics: bool
    streams: tuple[StreamChoice, ...] = ()
    history: tuple[consent.ConsentRecord, ...] = ()
    came_back: bool = False
    waits_for_answer: bool = False


def preferences_of(
    connection: Connection, published: Published, person: Subscriber, now: datetime
) -> Preferences:
    """Return what a person currently gets and may choose, as their own page shows it."""
    present = subscription_of(connection, person)
    return Preferences(
        masked_address=masked(person.address),
        frequency=preferences.wish_of(present, now),
        paused_until=present.pause_at(now),
        tracking=consent.Purpose.TRACKING in person.consents,
        health_topics=consent.Purpose.HEALTH_TOPICS in person.consents,
        streams=_streams(published, present),
        history=_history(connection, person),
        came_back=stands(connection, person.address_hash, SuppressionReason.BOUNCED),
        waits_for_answer=present.paused_by is PausedBy.REPLY,
    )


def _streams(published: Published, present: Subscription) -> tuple[StreamChoice, ...]:
    is_open = preferences.kept_open(present)
    return tuple(
        StreamChoice(
            scope,
            published.title_of_form(scope.form),
            preferences.is_ticked(present, scope),
            scope in is_open,
        )
        for scope in _choosable(present)
    )


def agreed_by_staying(
    connection: Connection, published: Published, person: Subscriber, now: datetime
) -> tuple[StreamChoice, ...]:
    """Return what a person agrees to again who says that they still want the emails."""
    wanted = preferences.want_emails(subscription_of(connection, person), now)
    back = wanted.came_back.granted if wanted.came_back else ()
    return tuple(
        StreamChoice(change.scope, published.title_of_form(change.form), wanted=True)
        for change in (*back, *wanted.agreed)
    )


def _history(connection: Connection, person: Subscriber) -> tuple[consent.ConsentRecord, ...]:
    zone, records = ZoneInfo(person.time_zone), consents.consent_records(connection, person.id)
    return tuple(
        replace(
            r,
            recorded_at=r.recorded_at.astimezone(zone),
            said_at=r.said_at.astimezone(zone) if r.said_at else None,
        )
        for r in records
    )


def subscription_of(connection: Connection, person: Subscriber) -> Subscription:
    """Return what deciding about a person's wishes needs; they should be locked."""
    suppressions = tuple(suppressions_of(connection, person.address_hash))
    came_back_at = find_lifted_at(connection, person.address_hash, SuppressionReason.UNSUBSCRIBED)
    return Subscription(
        person.consents,
        suppressions,
        person.frequency,
        person.paused_until,
        person.paused_by,
        # What they did not take back of an earlier stop does not return with a later one.
        consents.withdrawn_by(connection, person.id, _STOPS, since=came_back_at),
        consents.withdrawn_by(connection, person.id, [consent.SILENCE]),
        consents.withdrawn_by(connection, person.id, [*_CHOICES, *_STOPS]),
        may_as_client=person.client_basis_at is not None,
    )


def offered(
    present: Subscription, streams: Mapping[consent.Scope, bool]
) -> dict[consent.Scope, bool]:
    """Return the answers to the boxes that the page really had for this person."""
    there = _choosable(present)
    return {scope: yes for scope, yes in streams.items() if scope in there}


def _choosable(present: Subscription) -> list[consent.Scope]:
    """Return the kinds of email a person may choose: their series and the others."""
    before = present.withdrawn_by_stop | present.lapsed | present.refused
    series = {s for s in present.consents.scopes | before if s.purpose is consent.Purpose.SERIES}
    return [*sorted(series), *map(consent.Scope, consent.STREAM_BOXES)]
