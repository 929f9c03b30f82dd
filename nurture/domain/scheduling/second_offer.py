"""Offering an email a second time: the progress at which its step comes next again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.domain.scheduling.planner import Calendar, Send, WaitUntil, next_action
from nurture.domain.sequences.enrolment import EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import ANSWERS, Sequence, StepKind, Wait

#: Endings that sending the missing email would not contradict.
_MAY_GO_ON = (EnrolmentStatus.ACTIVE, EnrolmentStatus.COMPLETED)

#: Days are counted on the wall clock, which may have changed by an hour since.
_MARGIN = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Missed:
    """An email that did not arrive: its step, and when that was due.

    `is_current` says that it was for the enrolment's present occasion, not for an earlier one.
    """

    step: str
    kind: StepKind
    due_at: datetime
    is_current: bool = True


def progress_before(
    sequence: Sequence,
    status: EnrolmentStatus,
    progress: Progress,
    missed: Missed,
    now: datetime,
    calendar: Calendar,
) -> Progress | None:
    """Return the progress at which the missed step is next again, or `None` if it cannot be.

    It cannot be once a later step has been passed, the person has left, or the question has been
    asked again. The step is due when it was originally due.
    """
    if status not in _MAY_GO_ON:
        return None
    if missed.kind is StepKind.QUESTION and not missed.is_current:
        return None
    before = _without(sequence, progress, missed)
    action = next_action(sequence, before, now, calendar)
    step = action.step if isinstance(action, Send | WaitUntil) else None
    return before if step is not None and step.email == missed.step else None


def _without(sequence: Sequence, progress: Progress, missed: Missed) -> Progress:
    """Return the progress from before the step was passed, so that it is due when it was."""
    if missed.kind in ANSWERS:
        wanted = progress.collected_at is None and missed.is_current
        return replace(progress, guide_wanted=wanted)
    wait = next((step.wait for step in sequence.steps if step.email == missed.step), Wait())
    waited = timedelta(days=wait.days) + wait.elapsed + _MARGIN
    passed = progress.passed - {missed.step}
    return replace(progress, passed=passed, anchor_at=missed.due_at - waited)
