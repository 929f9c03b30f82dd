"""Offering a message again: the enrolment returns to its state before the step was passed."""

from dataclasses import replace
from datetime import datetime, timedelta

from nurture.domain.messages.status import MessageStatus
from nurture.domain.scheduling.planner import Send, WaitUntil, next_action
from nurture.domain.sequences.enrolment import EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import ANSWERS, StepKind, Wait
from nurture.services.catalogue import Published
from nurture.store.database import Connection
from nurture.store.tables import enrolments, messages
from nurture.store.tables.enrolments import Enrolment
from nurture.store.tables.messages import Message

#: Ends that sending the missing message would not contradict.
_MAY_GO_ON = (EnrolmentStatus.ACTIVE, EnrolmentStatus.COMPLETED)

#: Days are counted on the wall clock, which may have been moved by an hour meanwhile.
_MARGIN = timedelta(hours=2)


def offer_again(
    connection: Connection, published: Published, message: Message, why: str, now: datetime
) -> bool:
    """Offer a message again under the same Message-ID; the caller must have locked its enrolment.

    Return whether it is still the next step: if a later one was passed, or the person has left, it
    is not, and nothing changes.
    """
    enrolment = enrolments.find_enrolment(connection, message.enrolment_id)
    again = _as_before(published, enrolment, message, now) if enrolment else None
    if enrolment is None or again is None:
        return False
    messages.move_on(connection, message.id, (message.status,), MessageStatus.DEFERRED, why)
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
    return True


def _as_before(
    published: Published, enrolment: Enrolment, message: Message, now: datetime
) -> Progress | None:
    """Return the progress at which the step is next once more, or `None` if that is impossible."""
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
    """Return the progress from before the step was passed, so that it is due when it was."""
    progress = enrolment.progress
    if message.kind in ANSWERS:
        wanted = progress.collected_at is None and message.occasion == enrolment.occasion
        return replace(progress, guide_wanted=wanted)
    waited = timedelta(days=wait.days) + wait.elapsed + _MARGIN
    passed = progress.passed - {message.step}
    return replace(progress, passed=passed, anchor_at=message.due_at - waited)
