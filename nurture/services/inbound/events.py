"""Recording what mail providers and calendars report, each event once."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

from nurture.domain.messages import consequences
from nurture.domain.messages.bounces import Bounce
from nurture.domain.subscribers.address import address_key
from nurture.domain.subscribers.bookings import BOOKINGS
from nurture.domain.subscribers.consent import ELSEWHERE, Evidence
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import (
    CLOCKS_DIFFER_BY,
    BookingEvent,
    EventKind,
    MailEvent,
    when_it_came,
)
from nurture.domain.tracking.hits import Verdict
from nurture.services.backup import lost_messages
from nurture.services.catalogue import Catalogue, Published
from nurture.services.inbound import bounce_jumps, bounces
from nurture.services.inbound.authenticity import keep_request_of
from nurture.services.inbound.goal import follow_booking
from nurture.services.inbound.replies import follow_reply
from nurture.services.subscribers.preferences import stop
from nurture.services.subscribers.suppression import suppress_address
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import events, message_changes, messages, subscribers
from nurture.store.tables.events import NewEvent
from nurture.store.tables.holds import LOST
from nurture.store.tables.messages import Message
from nurture.store.tables.subscribers import Subscriber
from nurture.store.tables.suppressions import find_suppression, suppress
from nurture.tokens import TokenRefusedError, Tokens

_LONGEST_ID = 500

#: The kind under which an event is stored whose own word we do not know.
UNKNOWN = "unknown"


def record_mail_events(
    database: Database,
    catalogue: Catalogue,
    tokens: Tokens,
    told: Iterable[MailEvent],
    now: datetime,
) -> int:
    """Store and act on what a mail provider reported; return how many events were new.

    A permanent bounce or a complaint suppresses the address immediately, whatever else already
    suppresses it; a late report counts from when the event happened. Each event has its own
    transaction, because one transaction never locks several people; if one fails, those before it
    are stored, and reporting everything again does not count them twice.
    """
    recorded = 0
    for event in told:
        with database.writing() as connection:
            published = catalogue.current(connection)
            recorded += _record_mail_event(connection, tokens, published, event, now)
    return recorded


def record_bookings(
    database: Database,
    catalogue: Catalogue,
    tokens: Tokens,
    told: Iterable[BookingEvent],
    now: datetime,
) -> int:
    """Store what a calendar reported; a booked session ends the enrolments whose goal it is.

    It also counts for anyone who signs up with that address later. A cancelled or moved session
    restarts nothing. Each event has its own transaction.
    """
    recorded = 0
    for event in told:
        with database.writing() as connection:
            recorded += _record_booking(connection, catalogue, tokens, event, now)
    return recorded


def _record_mail_event(
    connection: Connection, tokens: Tokens, published: Published, event: MailEvent, now: datetime
) -> int:
    event = replace(event, occurred_at=when_it_came(event.occurred_at, now))
    message = _find_message(connection, tokens, event.message_id)
    person = _hold_person(connection, message, event.recipient)
    if (message and person is None) or _is_erased(connection, tokens, event.recipient):
        event = replace(event, reason="", raw={})
    bounce = bounces.kind_told(connection, event, person, now)
    is_lost = message is None and lost_messages.is_lost(connection, tokens, event.message_id)
    told = NewEvent(
        kind=event.kind or UNKNOWN,
        happened_at=event.occurred_at or now,
        source=event.provider,
        source_key=_source_key(event.provider, event.event_id),
        subscriber_id=person.id if person else None,
        message_id=message.id if message else None,
        email=message.email if message else None,
        raw=dict(event.raw) | ({LOST: True} if is_lost else {}),
        verdict=Verdict.HUMAN if event.kind is EventKind.REPLIED else None,
        bounce=bounce,
    )
    if not events.add_events(connection, [told]):
        return 0
    keep_request_of(connection, event, now)
    _move_on(connection, event, message)
    if person:
        _act(connection, published, event, bounce, message, person, now)
        if is_lost and consequences.proves_it_sent(event.kind):
            at = event.occurred_at or now
            lost = (person.id, event.message_id or "", at, now)
            lost_messages.settle(connection, published, tokens, *lost)
    elif not _is_erased(connection, tokens, event.recipient):
        _act_on_stranger(connection, tokens, event, bounce, now)
    return 1


def _is_erased(connection: Connection, tokens: Tokens, address: str | None) -> bool:
    """Return whether this is an erased person's address; nothing identifying is then stored."""
    if not address:
        return False
    found = [find_suppression(connection, one) for one in tokens.address_hashes(address)]
    return SuppressionReason.ERASED in found


def _act(
    connection: Connection,
    published: Published,
    event: MailEvent,
    bounce: Bounce | None,
    message: Message | None,
    person: Subscriber,
    now: datetime,
) -> None:
    at = event.occurred_at or now
    match consequences.what_follows(event.kind, bounce, of_message=message is not None):
        case consequences.Consequence.TRUST_ADDRESS if message:
            bounces.arrived(connection, published, person, message, now)
        case consequences.Consequence.ASK_OWNER:
            bounce_jumps.found(connection, now)
        case consequences.Consequence.WEIGH_BOUNCE if bounce:
            bounces.bounced(connection, person, bounce, event.reason, at, now)
        case consequences.Consequence.SUPPRESS:
            why, reason = event.reason, SuppressionReason.COMPLAINED
            suppress_address(connection, person.id, person.address_hash, why, now, reason, at)
        case consequences.Consequence.UNSUBSCRIBE:
            number = message.id if message else None
            evidence = Evidence(page_url=f"provider:{event.provider}")
            privacy = published.practice.privacy_version
            stop(connection, person, number, privacy, evidence, now, ELSEWHERE, at=at)
        case consequences.Consequence.FOLLOW_REPLY if message:
            follow_reply(connection, published, person, message, now)


def _act_on_stranger(
    connection: Connection, tokens: Tokens, event: MailEvent, bounce: Bounce | None, now: datetime
) -> None:
    """Suppress an otherwise unknown address, in case it ever signs up."""
    reason = consequences.suppresses_stranger(event.kind, bounce)
    if reason and event.recipient:
        address_hash = tokens.address_hash(address_key(event.recipient))
        at, mailbox = event.occurred_at or now, tokens.mailbox_hash(event.recipient)
        suppress(connection, address_hash, reason, at, event.reason, mailbox)


def _move_on(connection: Connection, event: MailEvent, message: Message | None) -> None:
    """Update the message's status after this event, for every recipient."""
    move = consequences.move_after(event.kind, event.permanent)
    if message is None or move is None:
        return
    why = "" if event.kind is EventKind.DELIVERED else event.reason
    message_changes.move_on(connection, message.id, move.among, move.to, why)


def _source_key(provider: str, event_id: str) -> str:
    """Return the key under which an event of a provider is stored.

    An id that is too long for an index, or that may contain an address, is replaced by a digest.
    """
    if len(event_id) > _LONGEST_ID or "@" in event_id:
        event_id = blake2b(event_id.encode(), digest_size=16).hexdigest()
    return f"{provider}:{event_id}"


def _find_message(connection: Connection, tokens: Tokens, message_id: str | None) -> Message | None:
    try:
        number = tokens.read_message_id(message_id or "")
    except TokenRefusedError:
        return None
    return messages.find_message(connection, number)


def _hold_person(
    connection: Connection, message: Message | None, recipient: str | None
) -> Subscriber | None:
    """Lock the person the event is about, and return them as they are under the lock."""
    number = message.subscriber_id if message else None
    if number is None and recipient:
        found = subscribers.find_by_address(connection, recipient)
        number = found.id if found else None
    return locks.hold_subscriber(connection, number) if number is not None else None


def _record_booking(
    connection: Connection, catalogue: Catalogue, tokens: Tokens, event: BookingEvent, now: datetime
) -> int:
    event = replace(event, occurred_at=when_it_came(event.occurred_at, now, CLOCKS_DIFFER_BY))
    booker = tokens.address_hashes(event.email)[0] if event.email else None
    if booker:
        locks.hold_address(connection, booker)
    person = _hold_person(connection, None, event.email)
    if _is_erased(connection, tokens, event.email):
        event, booker = replace(event, raw={}), None
    if not events.add_events(connection, [_booked(event, person, booker, now)]):
        return 0
    if person and _booking_kind(event) in BOOKINGS:
        published = catalogue.current(connection)
        follow_booking(connection, published, person.id, not event.cancelled, now)
    return 1


def _booked(
    event: BookingEvent, person: Subscriber | None, booker: str | None, now: datetime
) -> NewEvent:
    kind = _booking_kind(event)
    return NewEvent(
        kind=kind,
        happened_at=event.occurred_at or now,
        source=event.provider,
        source_key=_source_key(event.provider, event.event_id),
        subscriber_id=person.id if person else None,
        verdict=Verdict.HUMAN,
        raw=dict(event.raw),
        booker=booker if kind in BOOKINGS else None,
    )


def _booking_kind(event: BookingEvent) -> str:
    if event.rescheduled:
        return EventKind.RESCHEDULED
    if event.cancelled:
        return EventKind.CANCELLED
    return EventKind.BOOKED if event.booked else UNKNOWN
