"""What to do about one due enrolment: planner and gate together."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from nurture.domain.scheduling.gate import Allowed, Caps, Postponed, Standing, may_send
from nurture.domain.scheduling.planner import (
    Calendar,
    Exit,
    Send,
    Skip,
    WaitUntil,
    anchor_after,
    next_action,
)
from nurture.domain.sequences.enrolment import EndReason, EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import ANSWERS, Sequence, Step
from nurture.domain.subscribers.bookings import ending_of


@dataclass(frozen=True, slots=True)
class Offer:
    """A decision to offer this step to the mail server now."""

    step: Step
    due_at: datetime
    progress: Progress
    skipped: tuple[Skip, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """A decision to look again at `at`; `step` is the one awaited, if any."""

    at: datetime
    why: str
    progress: Progress
    step: Step | None = None
    skipped: tuple[Skip, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """A decision to end the enrolment; `then` is the sequence to continue with, if any."""

    reason: EnrolmentStatus
    why: str
    then: str = ""
    skipped: tuple[Skip, ...] = ()
    because: EndReason | None = None


Decision = Offer | Look | End

WHY_ONLY_THE_GUIDE = "there was nothing left to send but the guide"


def decide(
    sequence: Sequence,
    progress: Progress,
    standing: Standing,
    now: datetime,
    calendar: Calendar,
    segments: Collection[str] = (),
) -> Decision:
    """Decide what to do now, passing over the steps that are skipped.

    `segments` are those the person is in at this moment. The decision lists the skipped steps.
    """
    skipped: list[Skip] = []
    ends_as = progress.ends_as or ending_of(sequence, progress, standing.booked_until)
    progress = replace(progress, ends_as=ends_as) if ends_as else progress
    action = next_action(sequence, progress, now, calendar, segments)
    while isinstance(action, Skip):
        skipped.append(action)
        progress = replace(progress, passed=progress.passed | {action.step.email})
        action = next_action(sequence, progress, now, calendar, segments)
    decision = _decided(action, sequence, progress, standing, now, segments, calendar.caps)
    return replace(decision, skipped=tuple(skipped)) if skipped else decision


def progress_after(offer: Offer, now: datetime) -> Progress:
    """Return an enrolment's progress once the offered step has been passed.

    A guide that is requested again in the middle of a series does not delay the series.
    """
    again = offer.step.kind in ANSWERS and offer.step.email in offer.progress.passed
    sent = Send(offer.step, offer.due_at)
    anchor_at = offer.progress.anchor_at if again else anchor_after(sent, now)
    return offer.progress.after(offer.step.email, anchor_at)


def next_look(
    sequence: Sequence, progress: Progress, now: datetime, calendar: Calendar
) -> datetime:
    """Return when to look next at an enrolment with this progress."""
    action = next_action(sequence, progress, now, calendar)
    return action.until if isinstance(action, WaitUntil) else now


def _decided(
    action: Send | WaitUntil | Exit,
    sequence: Sequence,
    progress: Progress,
    standing: Standing,
    now: datetime,
    segments: Collection[str],
    caps: Caps,
) -> Decision:
    if isinstance(action, WaitUntil):
        return Look(action.until, action.why, progress, action.step)
    if isinstance(action, Exit):
        return _ended(action, sequence, progress, segments)
    return _ask_the_gate(action, progress, standing, now, caps)


def _ended(action: Exit, sequence: Sequence, progress: Progress, segments: Collection[str]) -> End:
    """Return how an enrolment ends, and the next sequence, if any.

    Someone who only asked for the guide of a finished series does not move on to another.
    """
    if progress.ends_as:
        because = progress.ends_as.because
        return End(action.reason, WHY_ONLY_THE_GUIDE, because=because)
    if action.reason is EnrolmentStatus.REMOVED:
        return End(action.reason, "the guide was not collected", because=EndReason.NOT_COLLECTED)
    then = sequence.next_sequence(segments)
    return End(action.reason, "the sequence has come to its end", then, because=EndReason.COMPLETED)


def _ask_the_gate(
    action: Send, progress: Progress, standing: Standing, now: datetime, caps: Caps
) -> Decision:
    verdict = may_send(action.step.kind, standing, now, caps)
    if isinstance(verdict, Allowed):
        return Offer(action.step, action.due_at, progress)
    if isinstance(verdict, Postponed):
        return Look(verdict.until, verdict.why, progress, action.step)
    return End(verdict.reason, verdict.why, because=verdict.because)
