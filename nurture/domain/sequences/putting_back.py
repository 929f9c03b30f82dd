"""How a person who was removed or dropped from a sequence is put back into it."""

from dataclasses import replace
from datetime import datetime

from nurture.domain.scheduling.planner import awaits_collection, next_step
from nurture.domain.scheduling.window import before_wait
from nurture.domain.sequences.enrolment import Ending, EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import Sequence


def can_be_put_back(ending: Ending) -> bool:
    """Return whether they may be put back: only if the owner removed them or they were dropped.

    People who opted out come back only at their own request.
    """
    return ending.status is EnrolmentStatus.REMOVED


def put_back(sequence: Sequence, progress: Progress, now: datetime) -> Progress:
    """Return the progress of a person who is put back now, at the step they had reached.

    A wait that is over counts as having just ended, so the step is sent when its window next opens
    and is not skipped as late. A guide may be collected for another thirty days.
    """
    back = replace(progress, ends_as=None)
    if awaits_collection(sequence, progress):
        return replace(back, enrolled_at=now, anchor_at=now)
    step = next_step(sequence, progress)
    if step is None:
        return back
    over_now = before_wait(now, step.wait, progress.time_zone)
    return replace(back, anchor_at=max(progress.anchor_at, over_now))
