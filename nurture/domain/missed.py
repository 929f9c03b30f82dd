"""What somebody would have been sent in a time of which nothing is known, taken as sent."""

from datetime import datetime

from nurture.domain.enrolment import Progress
from nurture.domain.planning import Calendar, awaits_collection, due_at, next_step
from nurture.domain.sequence import ANSWERS, Sequence, StepKind


def take_as_sent(
    sequence: Sequence, progress: Progress, now: datetime, calendar: Calendar
) -> tuple[Progress, tuple[str, ...]]:
    """The progress of somebody to whom all that was due by now was sent on time, and which steps.

    Nothing of it is sent again, and the wait for what comes next counts from when the last of
    them was due.
    """
    steps: list[str] = []
    guide = next((step for step in sequence.steps if step.kind in ANSWERS), None)
    if progress.guide_wanted and guide:
        progress = progress.after(guide.email, progress.anchor_at)
        steps.append(guide.email)
    while (step := next_step(sequence, progress)) is not None:
        awaits, reminds = awaits_collection(sequence, progress), step.kind is StepKind.REMINDER
        if reminds and not awaits:  # Whoever has collected is not reminded.
            progress = progress.after(step.email, progress.anchor_at)
            continue
        due = due_at(step, progress, calendar)
        if (awaits and not reminds) or progress.ends_as or due > now:
            break
        progress = progress.after(step.email, due)
        steps.append(step.email)
    return progress, tuple(steps)
