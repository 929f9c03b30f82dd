"""What is to be done about one due enrolment: planner and gate together."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from nurture.domain.enrolment import EnrolmentStatus, Progress
from nurture.domain.planning import (
    Calendar,
    Exit,
    Send,
    Skip,
    WaitUntil,
    anchor_after,
    next_action,
)
from nurture.domain.sending_gate import Allowed, Postponed, Standing, may_send
from nurture.domain.sequence import ANSWERS, Sequence, Step


@dataclass(frozen=True, slots=True)
class Offer:
    """Offer this step to the mail server now."""

    step: Step
    due_at: datetime
    progress: Progress


@dataclass(frozen=True, slots=True)
class Look:
    """Nothing now; look again at `at`."""

    at: datetime
    why: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class End:
    """The enrolment ends; `then` is the sequence that somebody goes on in, if any."""

    reason: EnrolmentStatus
    why: str
    then: str = ""


Decision = Offer | Look | End


def decide(
    sequence: Sequence,
    progress: Progress,
    standing: Standing,
    now: datetime,
    calendar: Calendar,
    segments: Collection[str] = (),
) -> Decision:
    """Decide what is to be done now, passing over the steps that are skipped.

    `segments` are those the person is in at this moment.
    """
    action = next_action(sequence, progress, now, calendar, segments)
    while isinstance(action, Skip):
        progress = replace(progress, passed=progress.passed | {action.step.email})
        action = next_action(sequence, progress, now, calendar, segments)
    if isinstance(action, WaitUntil):
        return Look(action.until, action.why, progress)
    if isinstance(action, Exit):
        completed = action.reason is EnrolmentStatus.COMPLETED
        then = sequence.next_sequence(segments) if completed else ""
        return End(action.reason, "the sequence has come to its end", then)
    return _ask_the_gate(action, progress, standing, now)


def progress_after(offer: Offer, now: datetime) -> Progress:
    """Where an enrolment stands once the offered step is behind it.

    A guide that is asked for again in the middle of a series does not delay the series.
    """
    again = offer.step.kind in ANSWERS and offer.step.email in offer.progress.passed
    sent = Send(offer.step, offer.due_at)
    anchor_at = offer.progress.anchor_at if again else anchor_after(sent, now)
    return offer.progress.after(offer.step.email, anchor_at)


def next_look(
    sequence: Sequence, progress: Progress, now: datetime, calendar: Calendar
) -> datetime:
    """When to look at an enrolment again that stands at `progress`."""
    action = next_action(sequence, progress, now, calendar)
    return action.until if isinstance(action, WaitUntil) else now


def _ask_the_gate(action: Send, progress: Progress, standing: Standing, now: datetime) -> Decision:
    verdict = may_send(action.step.kind, standing, now)
    if isinstance(verdict, Allowed):
        return Offer(action.step, action.due_at, progress)
    if isinstance(verdict, Postponed):
        return Look(verdict.until, verdict.why, progress)
    return End(verdict.reason, verdict.why)
