"""What to do about one due enrolment: planner and gate together."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from nurture.domain.reasons import Code, Reason
from nurture.domain.rights.mailing import Mailing
from nurture.domain.scheduling.allowance import UNLIMITED, Allowance, may_send_more
from nurture.domain.scheduling.gate import (
    UNTIL_RESUMED,
    Allowed,
    NotForThem,
    Postponed,
    Standing,
    Verdict,
    held_until,
    may_send,
)
from nurture.domain.scheduling.planner import (
    Action,
    Calendar,
    Exit,
    Send,
    Skip,
    WaitUntil,
    anchor_after,
    next_action,
)
from nurture.domain.scheduling.precedence import gives_way, moved_by
from nurture.domain.sequences.enrolment import EndReason, EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import ANSWERS, Late, Sequence, Step
from nurture.domain.subscribers.bookings import ending_of


@dataclass(frozen=True, slots=True)
class SendNow:
    """Send this step now: it is due, and neither the gate nor the account's limit forbids it."""

    step: Step
    due_at: datetime
    progress: Progress
    skipped: tuple[Skip, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """A decision to look again at `at`; `step` is the one awaited, if any."""

    at: datetime
    why: Reason
    progress: Progress
    step: Step | None = None
    skipped: tuple[Skip, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """A decision to end the enrolment; `then` is the sequence to continue with, if any."""

    reason: EnrolmentStatus
    why: Reason
    then: str = ""
    skipped: tuple[Skip, ...] = ()
    because: EndReason | None = None


Decision = SendNow | Look | End


def decide(
    sequence: Sequence,
    progress: Progress,
    standing: Standing,
    now: datetime,
    calendar: Calendar,
    segments: Collection[str] = (),
    *,
    sequence_paused: bool = False,
    allowance: Allowance = UNLIMITED,
) -> Decision:
    """Decide what to do now, passing over the steps that are skipped.

    `segments` are those the person is in at this moment, and `allowance` is what the account
    may still send. The decision lists the skipped steps. A broadcast ends at once if it is not
    sent; an email of a series is put off, and its progress says how often the cap has done so.
    A broadcast that is stopped waits, however late it is.
    """
    if sequence_paused and sequence.broadcast is not None:
        return _stopped(sequence, progress)
    skipped: list[Skip] = []
    known_until = progress.excused_until
    ends_as = progress.ends_as or ending_of(sequence, progress, standing.booked_until)
    progress = replace(progress, ends_as=ends_as) if ends_as else progress
    since = allowance.waiting_since
    action = next_action(sequence, progress, now, calendar, segments, since)
    while skip := _to_skip(action, sequence, progress, standing, now):
        if excused := _excused(skip, progress, standing, calendar, sequence_paused):
            progress = excused
        else:
            skipped.append(skip)
            progress = replace(progress, passed=progress.passed | {skip.step.email}, moved=0)
        action = next_action(sequence, progress, now, calendar, segments, since)
    progress = _excused_by_account(action, progress, now, since)
    if isinstance(action, Send):
        scope, paused = sequence.scope(action.step, progress.covered_by), sequence_paused
        kind, caps = action.step.kind, calendar.caps
        verdict = may_send(kind, standing, now, caps, sequence_paused=paused, scope=scope)
        if isinstance(verdict, Allowed) and sequence.broadcast is not None:
            verdict = gives_way(standing, now, caps) or verdict
        if isinstance(verdict, Allowed):
            verdict = may_send_more(kind, allowance, now)
        decision = _by_verdict(verdict, action, progress)
    elif isinstance(action, WaitUntil):
        decision = Look(action.until, action.why, progress, action.step)
    else:
        assert isinstance(action, Exit)  # What is skipped has been passed over.
        decision = _ended(action, sequence, progress, segments)
    if sequence.broadcast is not None:
        decision = _now_or_never(decision, skipped)
    elif isinstance(decision, Look):
        decision = _counting_the_move(decision, known_until)
    return replace(decision, skipped=tuple(skipped)) if skipped else decision


def progress_after(send: SendNow, now: datetime) -> Progress:
    """Return an enrolment's progress once the step that is sent now has been passed.

    A guide that is requested again in the middle of a series does not delay the series.
    """
    step, progress = send.step, send.progress
    again = step.kind in ANSWERS and step.email in progress.passed
    anchor_at = progress.anchor_at if again else anchor_after(send.due_at, now)
    return progress.after(step.email, anchor_at)


def next_look(
    sequence: Sequence, progress: Progress, now: datetime, calendar: Calendar
) -> datetime:
    """Return when to look next at an enrolment with this progress."""
    action = next_action(sequence, progress, now, calendar)
    return action.until if isinstance(action, WaitUntil) else now


#: What the gate may pass over although it is of the series, because of who people are.
_NOT_FOR_ALL = (Mailing.INVITATION, Mailing.REMINDER)


def _to_skip(
    action: Action, sequence: Sequence, progress: Progress, standing: Standing, now: datetime
) -> Skip | None:
    """Return the step to pass over: the planner says so, or the gate because of who they are."""
    if not isinstance(action, Send):
        return action if isinstance(action, Skip) else None
    step = action.step
    if step.stream is None and step.kind.rules.mailing not in _NOT_FOR_ALL:
        return None  # All of these are for everybody in the sequence, or end it.
    verdict = may_send(step.kind, standing, now, scope=sequence.scope(step, progress.covered_by))
    return Skip(step, verdict.why) if isinstance(verdict, NotForThem) else None


def _ended(action: Exit, sequence: Sequence, progress: Progress, segments: Collection[str]) -> End:
    """Return how an enrolment ends, and the next sequence, if any.

    Someone who only asked for the guide of a finished series does not move on to another.
    """
    if progress.ends_as:
        because = progress.ends_as.because
        return End(action.reason, Reason(Code.ONLY_GUIDE_LEFT), because=because)
    if action.reason is EnrolmentStatus.REMOVED:
        why = Reason(Code.GUIDE_NOT_COLLECTED)
        return End(action.reason, why, because=EndReason.NOT_COLLECTED)
    then = sequence.next_sequence(segments)
    return End(action.reason, Reason(Code.AT_ITS_END), then, because=EndReason.COMPLETED)


#: How a broadcast ends for those who are not sent it, by the reason why.
_NOT_SENT: Mapping[Code | EndReason, EndReason] = {
    Code.OVERDUE: EndReason.TOO_LATE,
    Code.ARE_A_CLIENT: EndReason.CLIENT,
    Code.HAVE_SESSION: EndReason.HAS_SESSION,
    Code.NO_CONSENT_FOR: EndReason.NO_CONSENT,
    Code.PAUSED_BY_PERSON: EndReason.PAUSED,
    Code.PAUSED_BY_OWNER: EndReason.PAUSED,
    Code.PAUSED_BY_REPLY: EndReason.PAUSED,
}


def _stopped(sequence: Sequence, progress: Progress) -> Look:
    why = Reason(Code.BROADCAST_WAS_STOPPED, sequence=sequence.key)
    return Look(UNTIL_RESUMED, why, progress, sequence.steps[0])


def _now_or_never(decision: Decision, skipped: Collection[Skip]) -> Decision:
    """End a broadcast that the person is not sent although it is due; all else stays as decided.

    Nobody gets what was sent during a pause all at once when the pause ends.
    """
    whys = [skip.why for skip in skipped]
    if isinstance(decision, Look):
        whys.append(decision.why)
    why = next((why for why in whys if why.code in _NOT_SENT), None)
    if why is None:
        return decision
    because = _NOT_SENT[why.code]
    unagreed = because is EndReason.NO_CONSENT
    status = EnrolmentStatus.UNSUBSCRIBED if unagreed else EnrolmentStatus.REMOVED
    return End(status, why, because=because)


def _counting_the_move(look: Look, known_until: datetime | None) -> Look:
    """Return a look at a series whose progress says how often the cap has put off the step."""
    moved = moved_by(look.why, look.at, look.progress, known_until)
    return look if moved is look.progress else replace(look, progress=moved)


def _excused(
    skip: Skip, progress: Progress, standing: Standing, calendar: Calendar, paused: bool
) -> Progress | None:
    """Return the progress that tells of a pause or cap which makes the skipped step less late.

    Nobody may have looked at the enrolment while it was held back.
    """
    if skip.why.code is not Code.OVERDUE or not skip.step.excuses:
        return None
    held = held_until(standing, calendar.caps, sequence_paused=paused)
    if held is None or (progress.excused_until and held <= progress.excused_until):
        return None
    return replace(progress, excused_until=held)


def _excused_by_account(
    action: Action, progress: Progress, now: datetime, since: datetime | None
) -> Progress:
    """Return the progress that tells that the step has been waiting for the account.

    The account may be free again before the step's window opens, or before what was claimed has
    left: that nothing waits any more by then makes the step no later.
    """
    if since is None or not isinstance(action, Send | WaitUntil):
        return progress
    if action.step is None or action.step.late is not Late.SKIP or not action.step.excuses:
        return progress
    if isinstance(action, Send):
        return replace(progress, excused_until=now)
    waits = action.why.code is Code.OUTSIDE_HOURS
    return replace(progress, excused_until=action.until) if waits else progress


def _by_verdict(verdict: Verdict, action: Send, progress: Progress) -> Decision:
    assert not isinstance(verdict, NotForThem)  # Those steps have been passed over.
    if isinstance(verdict, Allowed):
        return SendNow(action.step, action.due_at, progress)
    if isinstance(verdict, Postponed):
        excused = replace(progress, excused_until=verdict.until)
        return Look(verdict.until, verdict.why, excused, action.step)
    return End(verdict.reason, verdict.why, because=verdict.because)
