"""What somebody at a given place of a sequence is waiting for."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.scheduling.planner import Calendar, Send, Skip, WaitUntil, next_action
from nurture.domain.sequences.enrolment import Progress
from nurture.domain.sequences.sequence import Sequence, Step


@dataclass(frozen=True, slots=True)
class SequencePosition:
    """Where in a sequence people are, as far as it decides what comes next."""

    passed: frozenset[str]
    collected: bool
    guide_wanted: bool


def awaited_step(
    sequence: Sequence, place: SequencePosition, now: datetime, calendar: Calendar
) -> Step | None:
    """The step that people at that place wait for; None where they wait for no email.

    Conditions are asked when the step is due, so that nobody is taken to fulfil one until then.
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
