"""Offering a message again: the enrolment returns to its state before the step was passed."""

from datetime import datetime

from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import Reason
from nurture.domain.scheduling.second_offer import Missed, progress_before
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import Sequence
from nurture.services.catalogue import Published
from nurture.store.database import Connection
from nurture.store.tables import broadcasts, enrolments, message_changes
from nurture.store.tables.messages import Message


def offer_again(
    connection: Connection, published: Published, message: Message, why: Reason, now: datetime
) -> bool:
    """Offer a message again under the same Message-ID; the caller must have locked its enrolment.

    Return whether it is still the next step: once a later one was passed, or the person
    has left, it is not, and nothing changes. A broadcast that was over is under way again.
    """
    enrolment = enrolments.find_enrolment(connection, message.enrolment_id)
    sequence = _find_sequence(published, enrolment.sequence) if enrolment else None
    if enrolment is None or sequence is None:
        return False
    is_current = message.occasion == enrolment.occasion
    missed = Missed(message.step, message.kind, message.due_at, is_current)
    again = progress_before(
        sequence, enrolment.status, enrolment.progress, missed, now, published.calendar
    )
    if again is None:
        return False
    message_changes.move_on(connection, message.id, (message.status,), MessageStatus.DEFERRED, why)
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
    if sequence.broadcast is not None:
        broadcasts.reopen(connection, sequence.broadcast)
    return True


def _find_sequence(published: Published, key: str) -> Sequence | None:
    return published.find_sequence(key) or published.sent_broadcasts.get(key)
