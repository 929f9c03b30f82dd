"""Marking as sent what a person would have been sent in a period without records."""

from dataclasses import replace
from datetime import datetime

from nurture.domain.scheduling import planner
from nurture.domain.sequences.enrolment import Progress
from nurture.domain.sequences.sequence import ANSWERS, Sequence, Step


def take_as_sent(
    sequence: Sequence, progress: Progress, now: datetime, calendar: planner.Calendar
) -> tuple[Progress, tuple[str, ...]]:
    """Return the progress as if everything due by now had been sent on time, and those steps.

    A step with a condition may have been sent, and counts as sent. None of these steps is sent
    again, and the wait for the next one counts from when the last of them was due.
    """
    steps: list[str] = []
    at = min(progress.anchor_at, now)
    while at <= now:
        action = planner.next_action(
            sequence, progress, at, calendar, _as_if_meant(sequence, progress)
        )
        match action:
            case planner.Send(step=step, due_at=due_at):
                progress = progress.after(step.email, planner.anchor_after(due_at, at))
                steps.append(step.email)
            case planner.Skip(step=step):
                progress = progress.after(step.email, progress.anchor_at)
            case planner.WaitUntil(until=until):
                at = until
            case planner.Exit():
                break
    return progress, tuple(steps)


def _as_if_meant(sequence: Sequence, progress: Progress) -> frozenset[str]:
    """Return the segments in which the next step is sent."""
    step = planner.next_step(sequence, progress)
    return frozenset({step.only_if} if step and step.only_if else ())


def known_sent(sequence: Sequence, progress: Progress, step: Step, at: datetime) -> Progress | None:
    """Return the progress of a person who is known to have been sent a step by then.

    Return `None` if they have already passed it. A step of the series is sent only to people who
    have collected their guide, so the guide counts as collected.
    """
    is_wanted = step.kind in ANSWERS and progress.guide_wanted
    if not is_wanted and step not in planner.steps_ahead(sequence, progress):
        return None
    comes_later = step.kind not in ANSWERS and not step.kind.rules.reminds
    if comes_later and planner.awaits_collection(sequence, progress):
        progress = replace(progress, collected_at=at)
    return progress.after(step.email, max(progress.anchor_at, at))
