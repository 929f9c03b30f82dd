"""Settling: the owner says what became of a message in doubt, which no one else can know."""

from datetime import datetime
from enum import StrEnum

from nurture.domain.errors import NurtureError
from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import Code, Reason
from nurture.services.catalogue import Catalogue, Published
from nurture.services.delivery.second_offer import offer_again
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import enrolments, message_changes, messages
from nurture.store.tables.messages import Message


class NotInDoubtError(NurtureError):
    """There is nothing to settle about this message."""


class Settled(StrEnum):
    """What became of a message that was in doubt."""

    SENT = "sent"
    OFFERED_AGAIN = "offered again"
    LET_GO = "let go"


def settle(
    database: Database, catalogue: Catalogue, message: int, sent: bool, now: datetime
) -> Settled:
    """Record whether a message in doubt was sent; one that was not is offered again.

    It is offered under the same Message-ID, as soon as its window is open. If it is too late,
    because the next email has been sent or the person has left, it is dropped. May raise
    `NotInDoubtError`.
    """
    with database.writing() as connection:
        found = _hold_message(connection, message)
        if found is None or found.status is not MessageStatus.IN_DOUBT:
            raise NotInDoubtError(
                f"Message {message} is not in doubt.",
                remedy="“nurture status” lists the messages that are.",
            )
        if sent:
            _move(connection, found, MessageStatus.ACCEPTED, Reason(Code.OWNER_SAYS_SENT))
            return Settled.SENT
        return _offer_again(connection, catalogue.current(connection), found, now)


def settle_all(
    database: Database, catalogue: Catalogue, sent: bool, now: datetime
) -> dict[int, Settled]:
    """Settle everything in doubt in the same way; return what became of each message."""
    with database.reading() as connection:
        doubts = [doubt.message for doubt in messages.doubts(connection)]
    settled = {}
    for message in doubts:
        try:
            settled[message] = settle(database, catalogue, message, sent, now)
        except NotInDoubtError:
            continue  # An event from the mail provider has settled it meanwhile.
    return settled


def _hold_message(connection: Connection, message: int) -> Message | None:
    """Lock whose message it is and their enrolments, and return the message as it is then."""
    found = messages.find_message(connection, message)
    if found is None:
        return None
    locks.hold_subscriber(connection, found.subscriber_id)
    return messages.find_message(connection, message)


def _offer_again(
    connection: Connection, published: Published, message: Message, now: datetime
) -> Settled:
    if messages.in_hand(connection, message.enrolment_id):
        raise NurtureError(
            "Another mail to the same person is being sent just now.", remedy="Try again shortly."
        )
    why = Reason(Code.OWNER_SAYS_NOT_SENT)
    if not offer_again(connection, published, message, why, now):
        _move(connection, message, MessageStatus.CANCELLED, Reason(Code.NOT_SENT_IN_TIME))
        enrolments.look_at_once(connection, enrolments.of_enrolments([message.enrolment_id]), now)
        return Settled.LET_GO
    return Settled.OFFERED_AGAIN


def _move(connection: Connection, message: Message, status: MessageStatus, why: Reason) -> None:
    message_changes.move_on(connection, message.id, (MessageStatus.IN_DOUBT,), status, why)
