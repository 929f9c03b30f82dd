"""Bookings: until when a subscriber has had an appointment, and what that ends.

What calendars report arrives late, twice and in any order, so only the times at which things
happened are compared.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import Sequence
from nurture.domain.tracking.events import EventKind

#: The end of an appointment that has not been cancelled.
NOT_CANCELLED = datetime(9999, 1, 1, tzinfo=UTC)

#: What calendars report. Of two reports with the same time, a booking comes before a cancellation.
BOOKINGS = (EventKind.BOOKED, EventKind.RESCHEDULED, EventKind.CANCELLED)

BOOKED = Ending(EnrolmentStatus.GOAL_REACHED, EndReason.BOOKED)
BOOKED_BEFORE = Ending(EnrolmentStatus.GOAL_REACHED, EndReason.BOOKED_BEFORE)


class Dated(Protocol):
    """Something that happened at a given moment."""

    @property
    def kind(self) -> EventKind:
        """What happened."""

    @property
    def at(self) -> datetime:
        """When it happened."""


def booked_until(told: Iterable[Dated]) -> datetime | None:
    """Return until when a subscriber has had an appointment, as far as is known; `None` if never.

    Each booking counts until one is cancelled after it, and a session that was held counts as one
    that was not cancelled. Someone who moves an appointment has one.
    """
    count, until = 0, None
    happened = [one for one in told if one.kind in BOOKINGS]
    for one in sorted(happened, key=lambda one: (one.at, BOOKINGS.index(one.kind))):
        if one.kind is EventKind.CANCELLED:
            until = one.at if count == 1 else until
            count = max(count - 1, 0)
        else:
            count = count + 1 if one.kind is EventKind.BOOKED else max(count, 1)
            until = NOT_CANCELLED
    return until


def is_booked(until: datetime | None) -> bool:
    """Return whether a subscriber has an appointment that they have not cancelled."""
    return until == NOT_CANCELLED


def ends_by_booking(sequence: Sequence) -> bool:
    """Return whether a booking ends this sequence; an answer to a request is sent regardless."""
    return sequence.goal == EventKind.BOOKED and sequence.answers is None


def is_for_guide_only(sequence: Sequence) -> bool:
    """Return whether people who have booked get its guide and nothing else.

    A question about whether someone still wants the emails is not an invitation, so it is asked.
    """
    return ends_by_booking(sequence) and sequence.quiet is None


def ending_of(sequence: Sequence, progress: Progress, until: datetime | None) -> Ending | None:
    """Return how an enrolment ends if there was an appointment while it ran, otherwise `None`."""
    if until is None or not is_for_guide_only(sequence):
        return None
    return BOOKED if until > progress.enrolled_at else None


def is_reached(progress: Progress, until: datetime | None) -> bool:
    """Return whether there was an appointment when an enrolment began, or has been one since."""
    return until is not None and until >= progress.enrolled_at


def has_ended_by_booking(ending: Ending, progress: Progress) -> bool:
    """Return whether a booking is why an enrolment has ended, or is about to."""
    return ending in (BOOKED, BOOKED_BEFORE) or progress.ends_as in (BOOKED, BOOKED_BEFORE)


def after_booking(progress: Progress) -> Progress | None:
    """Return the progress of an enrolment whose goal is reached, or `None` if it is over.

    A guide that was requested but has not been sent is still sent.
    """
    return replace(progress, ends_as=BOOKED) if progress.guide_wanted else None
