"""Guide requests: what asking for a guide, and collecting it, does to an enrolment."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from nurture.domain.sequences.enrolment import (
    GUIDE_AT_MOST_EVERY,
    Ending,
    EndReason,
    EnrolmentStatus,
    Progress,
)
from nurture.domain.subscribers.bookings import BOOKED, BOOKED_BEFORE


class Asking(StrEnum):
    """What happens to a person who asks for a guide; the guide itself is sent in any case."""

    # The series follows.
    BEGINS = "begins"
    # The series continues as if nothing had happened.
    GOES_ON = "goes on"
    # The series continues from where it stopped; waits count from now.
    TAKEN_UP = "taken up"
    # Nothing follows but a reminder of the guide.
    GUIDE_ONLY = "guide only"


class GuideCollected(NamedTuple):
    """The state of an enrolment once its guide has been collected for the first time."""

    ending: Ending
    progress: Progress

    @property
    def is_under_way(self) -> bool:
        """Whether the series runs from here on."""
        return self.ending.status is EnrolmentStatus.ACTIVE


def asking(before: Ending | None, *, collected: bool, booked: bool) -> Asking:
    """Return what asking does, given the state of the enrolment (`None`: there is none).

    `booked` says whether they have an appointment and a booking ends the sequence.
    """
    if booked:
        return Asking.GUIDE_ONLY
    if before is None:
        return Asking.BEGINS
    match before.status:
        case EnrolmentStatus.ACTIVE:
            return Asking.GOES_ON
        case EnrolmentStatus.UNSUBSCRIBED | EnrolmentStatus.SUPPRESSED:
            return Asking.TAKEN_UP
        case EnrolmentStatus.REMOVED:
            return Asking.TAKEN_UP if _was_let_go(before, collected) else Asking.GUIDE_ONLY
        case EnrolmentStatus.GOAL_REACHED if before.because is EndReason.BOOKED_BEFORE:
            # They have since cancelled, and the series never began.
            return Asking.TAKEN_UP
    return Asking.GUIDE_ONLY


def is_too_soon(wanted_at: datetime, now: datetime) -> bool:
    """Return whether the guide was requested too recently to be sent again."""
    return now - wanted_at < GUIDE_AT_MOST_EVERY


def begin(now: datetime, time_zone: str, *, booked: bool) -> Progress:
    """Return the initial progress of a person who asks for a guide for the first time."""
    ends_as = BOOKED_BEFORE if booked else None
    return Progress(now, now, time_zone=time_zone, ends_as=ends_as)


def ask_again(status: Ending, progress: Progress, now: datetime, *, booked: bool) -> Progress:
    """Return the progress of a person who asks for a guide again and is under way once more."""
    before = progress.ends_as or status
    collected = progress.collected_at is not None
    wanted = replace(progress, guide_wanted=True)
    match asking(before, collected=collected, booked=booked):
        case Asking.TAKEN_UP:
            return replace(wanted, enrolled_at=now, anchor_at=now, ends_as=None)
        case Asking.GUIDE_ONLY:
            # The reminder of an uncollected guide comes after this one.
            anchor_at = progress.anchor_at if collected else now
            return replace(wanted, anchor_at=anchor_at, ends_as=_ends_as(before, collected))
    return wanted


def collect(before: Ending, progress: Progress, now: datetime) -> GuideCollected | None:
    """Decide what collecting the guide starts; return `None` if they have collected it before.

    The series begins, even if they had been removed for not collecting the guide in time. It stays
    ended for people who booked, left or were taken out by the owner.
    """
    if progress.collected_at is not None:
        return None
    after = replace(progress, collected_at=now, guide_wanted=False)
    begins = before.status is EnrolmentStatus.REMOVED and _was_let_go(before, collected=False)
    return GuideCollected(Ending(EnrolmentStatus.ACTIVE) if begins else before, after)


def _was_let_go(ending: Ending, collected: bool) -> bool:
    """Return whether a person was dropped for not collecting, not removed by the owner.

    If an enrolment ended before reasons were recorded, this depends on whether they collected.
    """
    return ending.because is EndReason.NOT_COLLECTED or (ending.because is None and not collected)


def _ends_as(before: Ending, collected: bool) -> Ending:
    match before.status:
        case EnrolmentStatus.ACTIVE:
            return BOOKED
        case EnrolmentStatus.COMPLETED | EnrolmentStatus.GOAL_REACHED:
            return before
        case EnrolmentStatus.REMOVED if not _was_let_go(before, collected):
            return before
    return BOOKED_BEFORE
