"""Putting back: how somebody who was taken out of a sequence, or let go, goes on in it."""

from dataclasses import replace
from datetime import datetime

from nurture.domain.scheduling.planner import awaits_collection, next_step
from nurture.domain.scheduling.window import before_wait
from nurture.domain.sequences.enrolment import Ending, EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import Sequence


def can_be_put_back(ending: Ending) -> bool:
    """Whether the owner took them out, or they were let go: whoever said no comes back alone."""
    return ending.status is EnrolmentStatus.REMOVED


def put_back(sequence: Sequence, progress: Progress, now: datetime) -> Progress:
    """Where somebody goes on who is put back now: with the step that they had come to.

    A wait that is over counts as over just now, so that the step goes out when its window opens
    next and is not passed over as late. A guide may be collected for another thirty days.
    """
    back = replace(progress, ends_as=None)
    if awaits_collection(sequence, progress):
        return replace(back, enrolled_at=now, anchor_at=now)
    step = next_step(sequence, progress)
    if step is None:
        return back
    over_now = before_wait(now, step.wait, progress.time_zone)
    return replace(back, anchor_at=max(progress.anchor_at, over_now))
