"""Settling: the owner says what nobody else can know of a message in doubt."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.enrolment import EnrolmentStatus, Progress
from nurture.domain.errors import NurtureError
from nurture.domain.message_status import MessageStatus
from nurture.domain.planning import Send, WaitUntil, next_action
from nurture.domain.sequence import ANSWERS, StepKind, Wait
from nurture.services.catalogue import Catalogue, Published
from nurture.store import enrolments, messages
from nurture.store.enrolments import Enrolment
from nurture.store.messages import Message
from nurture.store.session import Connection, Database

#: Ends that sending the missing message would not contradict.
_MAY_GO_ON = (EnrolmentStatus.ACTIVE, EnrolmentStatus.COMPLETED)

#: Days are counted on the wall clock, which may have been moved by an hour meanwhile.
_MARGIN = timedelta(hours=2)


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
    """Note whether a message in doubt was sent; one that was not is offered again.

    It is offered under the same Message-ID, at the next moment that its window is open.
    Where its time has passed, because the next mail has been sent or the person has
    left, it is let go. Raises `NotInDoubtError`.
    """
    with database.writing() as connection:
        found = messages.find_message(connection, message)
        if found is None or found.status is not MessageStatus.IN_DOUBT:
            raise NotInDoubtError(
                f"Message {message} is not in doubt.",
                remedy="“nurture status” lists the messages that are.",
            )
        if sent:
            return _accept(connection, found)
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
            continue  # An event of the mail provider's has settled it in the meantime.
    return settled


def _accept(connection: Connection, message: Message) -> Settled:
    _move(connection, message, MessageStatus.ACCEPTED, "the owner says that it was sent")
    return Settled.SENT


def _offer_again(
    connection: Connection, published: Published, message: Message, now: datetime
) -> Settled:
    # Changing the enrolment locks it, so that what is read below stays true.
    enrolments.look_at_once(connection, enrolments.of_enrolments([message.enrolment_id]), now)
    if messages.in_hand(connection, message.enrolment_id):
        raise NurtureError(
            "Another mail to the same person is being sent just now.", remedy="Try again shortly."
        )
    enrolment = enrolments.find_enrolment(connection, message.enrolment_id)
    again = _as_before(published, enrolment, message, now) if enrolment else None
    if enrolment is None or again is None:
        _move(connection, message, MessageStatus.CANCELLED, "not sent, and its time has passed")
        return Settled.LET_GO
    _move(connection, message, MessageStatus.DEFERRED, "the owner says that it was not sent")
    enrolments.change_enrolment(
        connection,
        enrolment.id,
        now,
        status=EnrolmentStatus.ACTIVE,
        ended_at=None,
        passed=again.passed,
        anchor_at=again.anchor_at,
        guide_wanted=again.guide_wanted,
    )
    return Settled.OFFERED_AGAIN


def _move(connection: Connection, message: Message, status: MessageStatus, why: str) -> None:
    messages.move_on(connection, message.id, (MessageStatus.IN_DOUBT,), status, why)


def _as_before(
    published: Published, enrolment: Enrolment, message: Message, now: datetime
) -> Progress | None:
    """The progress at which the step is next once more, or `None` where it cannot be."""
    sequence = published.sequences.get(enrolment.sequence)
    if sequence is None or enrolment.status not in _MAY_GO_ON:
        return None
    if message.kind is StepKind.QUESTION and message.occasion != enrolment.occasion:
        return None
    wait = next((s.wait for s in sequence.steps if s.email == message.step), Wait())
    progress = _without(enrolment, message, wait)
    action = next_action(sequence, progress, now, published.calendar)
    step = action.step if isinstance(action, Send | WaitUntil) else None
    return progress if step is not None and step.email == message.step else None


def _without(enrolment: Enrolment, message: Message, wait: Wait) -> Progress:
    """Before the step was passed, so that it is due when it was."""
    progress = enrolment.progress
    if message.kind in ANSWERS:
        wanted = progress.collected_at is None and message.occasion == enrolment.occasion
        return replace(progress, guide_wanted=wanted)
    waited = timedelta(days=wait.days) + wait.elapsed + _MARGIN
    passed = progress.passed - {message.step}
    return replace(progress, passed=passed, anchor_at=message.due_at - waited)
