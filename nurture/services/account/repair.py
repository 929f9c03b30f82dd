"""Repairing what refusals of the account did to uninvolved recipients.

Such refusals used to be blamed on the recipient: addresses were suppressed, sequences ended
and emails given up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.messages.refusal import Blame
from nurture.domain.messages.status import MessageStatus
from nurture.domain.messages.told_refusal import read_refusal
from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.pause import spread
from nurture.services.catalogue import Catalogue, Published
from nurture.services.delivery.refusals import restore_address
from nurture.services.delivery.second_offer import offer_again
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import enrolments, message_changes, messages, subscribers

#: The period over which repaired people are spread, unless the owner says otherwise.
USUAL_SPAN = timedelta(days=2)

_WHY = Reason(Code.ABOUT_ACCOUNT)


@dataclass(frozen=True, slots=True)
class WronglyFailed:
    """A message that was given up although the refusal was about the account."""

    message: int
    subscriber: int
    address: str
    email: str
    reason: str


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What was repaired: addresses emailed again, and messages offered again."""

    restored: int = 0
    offered: int = 0


def find_wronged(database: Database, words: str = "") -> list[WronglyFailed]:
    """Return the messages given up because of a refusal of the account, oldest first.

    `words` also matches refusals that contain this text, whatever they seem to be about.
    """
    with database.reading() as connection:
        found = [m for m in messages.given_up(connection) if _was_wrong(m.reason, words)]
        known = subscribers.addresses_of(connection, {m.subscriber_id for m in found})
    return [
        WronglyFailed(m.id, m.subscriber_id, known[m.subscriber_id], m.email, m.reason)
        for m in found
        if m.subscriber_id in known
    ]


def put_right(
    database: Database,
    catalogue: Catalogue,
    wronged: Iterable[WronglyFailed],
    now: datetime,
    over: timedelta = USUAL_SPAN,
) -> RepairResult:
    """Start emailing these people again, and re-offer each email that is still the next step.

    They are spread over the working hours of `over`. This is safe to repeat or interrupt: each
    person has their own transaction.
    """
    wronged = list(wronged)
    with database.reading() as connection:
        published = catalogue.current(connection)
    zone = published.practice.time_zone
    moments = spread(len(wronged), now, over, published.calendar, zone)
    restored = offered = 0
    for one, moment in zip(wronged, moments, strict=True):
        with database.writing() as connection:
            back, again = _put_one_right(connection, published, one, now, moment)
        restored, offered = restored + back, offered + again
    return RepairResult(restored, offered)


def _put_one_right(
    connection: Connection,
    published: Published,
    one: WronglyFailed,
    now: datetime,
    moment: datetime,
) -> tuple[bool, bool]:
    locks.hold_subscriber(connection, one.subscriber)
    message = messages.find_message(connection, one.message)
    if message is None or message.status is not MessageStatus.FAILED:
        return False, False
    restored = restore_address(connection, message, now)
    offered = offer_again(connection, published, message, _WHY, now)
    if not offered:  # It is no longer relevant, and not to be found again.
        before, why = (message.status,), Reason(Code.ABOUT_ACCOUNT_LONG_AGO)
        message_changes.move_on(connection, message.id, before, MessageStatus.CANCELLED, why)
    if restored or offered:
        enrolments.look_at(connection, enrolments.of_subscriber(one.subscriber), moment)
    return restored, offered


def _was_wrong(reason: str, words: str) -> bool:
    told = read_refusal(reason)
    if told is None:
        return False
    if words and words.casefold() in told.text.casefold():
        return True
    return told.refusal.blame in (Blame.ACCOUNT, Blame.CONNECTION)
