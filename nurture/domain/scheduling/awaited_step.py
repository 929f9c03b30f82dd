"""What people at a given place in a sequence are waiting for."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.scheduling.planner import Calendar, Send, Skip, WaitUntil, next_action
from nurture.domain.sequences.enrolment import Progress
from nurture.domain.sequences.sequence import Sequence, Step


@dataclass(frozen=True, slots=True)
class SequencePosition:
    """The parts of a person's progress in a sequence that decide what comes next."""

    passed: frozenset[str]
    collected: bool
    guide_wanted: bool


def awaited_step(
    sequence: Sequence, place: SequencePosition, now: datetime, calendar: Calendar
) -> Step | None:
    """Return the step that people at that place are waiting for, or `None` if there is none.

    Conditions are evaluated when the step is due, so nobody is assumed to meet one before then.
    """
    progress = Progress(
        enrolled_at=now,
        anchor_at=now,
        passed=place.passed,
        collected_at=now if place.collected else None,
        guide_wanted=place.guide_wanted,
    )
    action = next_action(sequence, progress, now, calendar)
    while isinstance(action, Skip):
        progress = progress.after(action.step.email, now)
        action = next_action(sequence, progress, now, calendar)
    return action.step if isinstance(action, Send | WaitUntil) else None
