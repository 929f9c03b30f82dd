"""Confirming: what an email asked someone, and whether it can still be confirmed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nurture.domain.broadcasts.broadcast import key_of
from nurture.domain.sequences.sequence import Request, Sequence
from nurture.domain.subscribers.address import masked
from nurture.services.catalogue import Catalogue, Published
from nurture.services.subscribers.requests import LAPSES_AFTER
from nurture.services.subscribers.subscription import StreamChoice, agreed_by_staying
from nurture.store.database import Connection, Database
from nurture.store.tables import enrolments, messages, subscribers
from nurture.store.tables.messages import Message


class ConfirmationKind(StrEnum):
    """What can be confirmed: getting the data, the erasure, or staying."""

    DATA = "data"
    ERASURE = "erasure"
    STAYING = "staying"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What an email asked one person; `lapsed` if it is too late to confirm.

    `agrees_to` is what someone who stays agrees to again, because it has lapsed or was stopped. If
    a broadcast `asked_in_foot`, nothing follows from not answering.
    """

    matter: ConfirmationKind
    subscriber: int
    enrolment: int
    message: int
    masked_address: str
    lapsed: bool
    agrees_to: tuple[StreamChoice, ...] = ()
    asked_in_foot: bool = False


def find_confirmation(
    database: Database, catalogue: Catalogue, message_id: int, now: datetime
) -> Confirmation | None:
    """Return what that message asked, or `None` if there is no one left to answer it."""
    with database.reading() as connection:
        message = messages.find_message(connection, message_id)
        if message is None:
            return None
        published = catalogue.current(connection)
        matter = _matter(message, published.sequences.get(message.sequence))
        return _confirmation(connection, published, message, matter, now) if matter else None


def _matter(message: Message, sequence: Sequence | None) -> ConfirmationKind | None:
    if key_of(message.sequence) is not None:
        # A broadcast asks at most one thing, in its foot, and may be over and out of the way since.
        return ConfirmationKind.STAYING
    if sequence is None:
        return None
    match sequence.answers:
        case Request.DATA:
            return ConfirmationKind.DATA
        case Request.ERASURE:
            return ConfirmationKind.ERASURE
    return ConfirmationKind.STAYING if sequence.quiet else None


def _confirmation(
    connection: Connection,
    published: Published,
    message: Message,
    matter: ConfirmationKind,
    now: datetime,
) -> Confirmation | None:
    person = subscribers.find_subscriber(connection, message.subscriber_id)
    enrolment = enrolments.find_enrolment(connection, message.enrolment_id)
    if person is None or enrolment is None:
        return None
    mailed_at = message.accepted_at or message.claimed_at
    return Confirmation(
        matter=matter,
        subscriber=person.id,
        enrolment=enrolment.id,
        message=message.id,
        masked_address=masked(person.address),
        # It is never too late to say that one still wants the emails.
        lapsed=matter is not ConfirmationKind.STAYING and now > mailed_at + LAPSES_AFTER,
        agrees_to=agreed_by_staying(connection, published, person, now)
        if matter is ConfirmationKind.STAYING
        else (),
        asked_in_foot=key_of(message.sequence) is not None,
    )
