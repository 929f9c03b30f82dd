"""Permanent refusals: what they do to people, and undoing that if the server was at fault.

A refusal counts immediately. But a run of equal refusals, as long as `domain.account.hold` says and
with no acceptance between them, is about the server: their effects are undone and the account
is held. Once the server accepts something again, they count as they were worded.
"""

from datetime import datetime

from nurture.domain.messages.bounces import Bounce
from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import Code, Reason
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind
from nurture.mail.mailer import Outcome
from nurture.services.catalogue import Catalogue, Published
from nurture.services.delivery.second_offer import offer_again
from nurture.services.subscribers.suppression import reword_what_ended, suppress_address
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.queries.due import DueEnrolment
from nurture.store.tables import account, enrolments, events, message_changes, messages, subscribers
from nurture.store.tables.account import FinalRefusal
from nurture.store.tables.messages import Message
from nurture.store.tables.suppressions import find_suppression, lift_suppression

_SERVER_AT_FAULT = Reason(Code.SERVER_REFUSED_EVERYBODY)


def as_refused(due: DueEnrolment, outcome: Outcome) -> FinalRefusal:
    """Return a refusal as it is stored for comparison with the next."""
    return FinalRefusal(
        outcome.message,
        due.id,
        due.subscriber_id,
        outcome.mark,
        dead=outcome.address_refused,
        fails=outcome.status is MessageStatus.FAILED,
        reason=outcome.reason,
        code=outcome.code,
    )


def settle_refusals(database: Database, catalogue: Catalogue, now: datetime) -> None:
    """Undo refusals or let them count, whichever is pending, with one transaction per person.

    It is safe to repeat, and to be killed at any point: the next sweep settles the rest.
    """
    with database.reading() as connection:
        if not account.any_refusals(connection):
            return
        held = account.find_hold(connection)
        against_server = account.refusals_marked(connection, held.mark) if held else []
        waiting = [] if held else account.taken_back(connection)
    for one in against_server:
        with database.writing() as connection:
            _take_back(connection, catalogue.current(connection), one, now)
    for one in waiting:
        with database.writing() as connection:
            _let_count(connection, one, now)


def note_bounce(
    connection: Connection, message: Message, reason: str, code: int | None, now: datetime
) -> None:
    """Record as an event that the mail server refused the address."""
    bounced = events.NewEvent(
        kind=EventKind.BOUNCED,
        happened_at=now,
        source="smtp",
        source_key=_source_key(message),
        subscriber_id=message.subscriber_id,
        message_id=message.id,
        email=message.email,
        raw={"reason": reason, "code": code},
        bounce=Bounce.HARD,
    )
    events.add_events(connection, [bounced])


def _take_back(
    connection: Connection, published: Published, one: FinalRefusal, now: datetime
) -> None:
    """Undo what a refusal did, unless something has changed since."""
    locks.hold_subscriber(connection, one.subscriber_id)
    account.mark_taken_back(connection, [one.message_id])
    message = messages.find_message(connection, one.message_id)
    if message is None or message.status is not MessageStatus.FAILED:
        return
    if one.dead:
        restore_address(connection, message, now)
    offer_again(connection, published, message, _SERVER_AT_FAULT, now)


def restore_address(connection: Connection, message: Message, now: datetime) -> bool:
    """Email an address again that a refusal of this message suppressed; return whether it did.

    The caller must have locked the person. Anything the suppression ended carries on.
    """
    person = subscribers.find_subscriber(connection, message.subscriber_id)
    if person is None or not events.rename(connection, _source_key(message), "bounced", "deferred"):
        return False
    lift_suppression(connection, person.address_hash, SuppressionReason.BOUNCED)
    if find_suppression(connection, person.address_hash):
        reword_what_ended(connection, person)
    else:
        enrolments.take_up_suppressed(connection, person.id, now)
    return True


def _let_count(connection: Connection, one: FinalRefusal, now: datetime) -> None:
    """Let the refusal count: the server accepts emails, so it was about the person or the email."""
    person = locks.hold_subscriber(connection, one.subscriber_id)
    account.remove_refusals(connection, [one.message_id])
    deferred = (MessageStatus.DEFERRED,)
    message = messages.find_message(connection, one.message_id)
    if message is None or person is None or not one.fails:
        return
    if not message_changes.move_on(
        connection, message.id, deferred, MessageStatus.FAILED, one.reason
    ):
        return
    if one.dead:
        suppress_address(connection, person.id, person.address_hash, one.reason, now)
        if not events.rename(connection, _source_key(message), "deferred", "bounced"):
            note_bounce(connection, message, one.reason, one.code, now)
    else:
        enrolments.look_at_once(connection, enrolments.of_enrolments([one.enrolment_id]), now)


def _source_key(message: Message) -> str:
    return f"smtp:{message.id}:{message.attempt}"
