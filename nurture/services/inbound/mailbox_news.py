"""Taking in one mail: what it says counts only as far as it proves to know our email.

A Message-ID or an envelope sender with our code says which message a mail is about; the person is
the one that our own row names, never the one that the mail does. Nothing of the mail is stored but
the mail server's reply, without addresses.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from nurture.clock import real_now
from nurture.domain.kept_payload import without_addresses
from nurture.domain.messages.inbound_mail import (
    BelievedNews,
    InboundKind,
    InboundMail,
    ReportedMessage,
    believe,
)
from nurture.domain.subscribers.address import address_key
from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.mail.mailbox.return_path import ReturnPaths
from nurture.services.catalogue import Catalogue, Published
from nurture.services.inbound.events import record_mail_events
from nurture.store.database import Connection, Database
from nurture.store.tables import messages, subscribers
from nurture.store.tables.messages import Message
from nurture.store.tables.subscribers import Subscriber
from nurture.tokens import TokenRefusedError, Tokens

#: The source of events that a mail told.
MAILBOX = "mailbox"

_LONGEST_REASON = 300


@dataclass(frozen=True)
class InboundDesk:
    """What taking in a mail needs."""

    database: Database
    catalogue: Catalogue
    tokens: Tokens
    return_paths: ReturnPaths


def take_in(
    desk: InboundDesk,
    mail: InboundMail,
    arrived_at: datetime | None,
    now: datetime,
    sent_to: Iterable[str] = (),
) -> EventKind | None:
    """Record what a mail shows to have happened, once; return what it was, or `None`.

    `sent_to` are addresses that the mail was received for, each of which counts only if it is
    signed. `arrived_at` is on the real clock.
    """
    if mail.kind in (InboundKind.AUTOMATIC, InboundKind.OTHER):
        return None
    found = _find(desk, mail, sent_to, now)
    if found is None:
        return None
    message, told = found
    at = _in_business_time(arrived_at, now) or now
    event = _event(desk.tokens, mail, message, told, at)
    record_mail_events(desk.database, desk.catalogue, desk.tokens, [event], now)
    return told.kind


def _find(
    desk: InboundDesk, mail: InboundMail, sent_to: Iterable[str], now: datetime
) -> tuple[int, BelievedNews] | None:
    """Return the first message that a mail proves to know, and what is believed of it."""
    dated_at = _dated(mail, now)
    with desk.database.reading() as connection:
        published = desk.catalogue.current(connection)
        for number, is_direct in _known(desk, mail, sent_to):
            sent = _reported(connection, desk, published, number, is_direct=is_direct)
            told = believe(mail, sent, dated_at) if sent else None
            if told is not None:
                return number, _without_addresses(connection, number, told)
    return None


def _known(
    desk: InboundDesk, mail: InboundMail, sent_to: Iterable[str]
) -> Iterator[tuple[int, bool]]:
    """Yield the numbers that the mail proves to know, and whether it answers them directly.

    Reports go to the envelope sender, which then says most; a reply never does.
    """
    if mail.kind is not InboundKind.REPLY:
        for address in (*sent_to, *mail.sent_to):
            number = desk.return_paths.read(address)
            if number is not None:
                yield number, False
                return
    for message_id in mail.message_ids:
        try:
            yield desk.tokens.read_message_id(message_id), message_id in mail.answered
        except TokenRefusedError:
            continue


def _reported(
    connection: Connection, desk: InboundDesk, published: Published, number: int, *, is_direct: bool
) -> ReportedMessage | None:
    message = messages.find_message(connection, number)
    person = _person_of(connection, message)
    if message is None or person is None:
        return None
    practice = published.practice
    own = {address_key(one) for one in (practice.sender_address, practice.reply_to) if one}

    def is_ours(address: str) -> bool:
        return desk.return_paths.is_one(address) or address_key(address) in own

    return ReportedMessage(
        status=message.status,
        offered_at=_offered_at(message),
        is_theirs=lambda address: _is_theirs(desk.tokens, person, address),
        is_ours=is_ours,
        is_someone_elses=lambda address: _is_another(connection, person, address),
        is_direct=is_direct,
    )


def _person_of(connection: Connection, message: Message | None) -> Subscriber | None:
    """Return the person that our own row names; `None` once they are erased."""
    return subscribers.find_subscriber(connection, message.subscriber_id) if message else None


def _offered_at(message: Message) -> datetime:
    return min(message.claimed_at, message.accepted_at or message.claimed_at)


def _is_theirs(tokens: Tokens, person: Subscriber, address: str) -> bool:
    return person.address_hash in tokens.address_hashes(address)


def _is_another(connection: Connection, person: Subscriber, address: str) -> bool:
    found = subscribers.find_by_address(connection, address) if address else None
    return found is not None and found.id != person.id


def _without_addresses(connection: Connection, number: int, told: BelievedNews) -> BelievedNews:
    person = _person_of(connection, messages.find_message(connection, number))
    whose = person.address if person and person.address else ""
    plain = without_addresses(told.reason, whose)[:_LONGEST_REASON]
    return BelievedNews(told.kind, told.permanent, plain)


def _event(
    tokens: Tokens, mail: InboundMail, number: int, told: BelievedNews, at: datetime
) -> MailEvent:
    """Return the event; its id is that of the mail, so that no mail counts twice."""
    named = f"{told.kind}\n{number}\n{mail.identity}"
    return MailEvent(
        kind=told.kind,
        provider=MAILBOX,
        event_id=blake2b(named.encode(), digest_size=16).hexdigest(),
        occurred_at=at,
        recipient=None,
        message_id=tokens.message_id(number),
        permanent=told.permanent,
        reason=told.reason,
        raw={"reason": told.reason} if told.reason else {},
    )


def _dated(mail: InboundMail, now: datetime) -> datetime | None:
    """Return when a mail says that it was written, by whichever clock makes it later.

    The program's clock may be set apart from the real one, by which other servers write.
    """
    if mail.dated_at is None:
        return None
    moved = _in_business_time(mail.dated_at, now)
    return max(mail.dated_at, moved) if moved else mail.dated_at


def _in_business_time(at: datetime | None, now: datetime) -> datetime | None:
    try:
        return at + (now - real_now()) if at else None
    except OverflowError:
        return None
