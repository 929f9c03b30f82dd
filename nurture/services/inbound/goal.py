"""Reaching the goal: how a booking affects someone's enrolments, whenever it is reported.

Calendars report late and in any order. So everything reported about a person is evaluated again
each time, and only the times at which things happened count.
"""

from datetime import datetime

from nurture.domain.reasons import Code, Reason
from nurture.domain.sequences.enrolment import EndReason, EnrolmentStatus
from nurture.domain.subscribers.bookings import (
    after_booking,
    booked_until,
    ends_by_booking,
    has_ended_by_booking,
    is_reached,
)
from nurture.services.catalogue import Published
from nurture.store.database import Connection
from nurture.store.tables import bookings, enrolments, message_changes, subscribers
from nurture.store.tables.enrolments import Enrolment


def follow_booking(
    connection: Connection, published: Published, subscriber_id: int, booked: bool, now: datetime
) -> None:
    """Act on a calendar event about a person who is locked; `booked` means that they have booked.

    Their enrolments end, except for a guide that has yet to be sent. A cancelled session restarts
    nothing, unless it turns out to have been cancelled before the sequence began.
    """
    until = booked_until(bookings.told_of(connection, subscriber_id))
    subscribers.change_subscriber(connection, subscriber_id, booked_until=until)
    for enrolment in enrolments.enrolments_of(connection, subscriber_id):
        sequence = published.sequences.get(enrolment.sequence)
        if sequence is None or not ends_by_booking(sequence):
            continue
        if is_reached(enrolment.progress, until):
            if booked or sequence.quiet is None:
                _reach(connection, enrolment, now)
        elif has_ended_by_booking(enrolment.ending, enrolment.progress):
            _take_up(connection, enrolment, now)


def _reach(connection: Connection, enrolment: Enrolment, now: datetime) -> None:
    if enrolment.status is not EnrolmentStatus.ACTIVE or enrolment.progress.ends_as:
        return
    if still := after_booking(enrolment.progress):
        enrolments.rest(connection, enrolment.id, still)
        message_changes.cancel_series_of(connection, enrolment.id, Reason(Code.THEY_HAVE_BOOKED))
        return
    reached = [enrolment.id]
    reason, because = EnrolmentStatus.GOAL_REACHED, EndReason.BOOKED
    enrolments.end_enrolments(connection, reached, reason, now, because)
    message_changes.cancel_open_of(connection, reached, Reason(Code.GOAL_REACHED))


def _take_up(connection: Connection, enrolment: Enrolment, now: datetime) -> None:
    enrolments.change_enrolment(
        connection,
        enrolment.id,
        now,
        status=EnrolmentStatus.ACTIVE,
        ended_at=None,
        ended_because=None,
        ends_as=None,
    )
