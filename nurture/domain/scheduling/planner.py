"""The planner: what happens next to one enrolment."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.gate import USUAL_CAPS, Caps
from nurture.domain.scheduling.window import (
    Holidays,
    SendWindow,
    after_wait,
    next_open,
    next_opening,
    window_of,
)
from nurture.domain.sequences.enrolment import EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import ANSWERS, UNCOLLECTED_FOR, Late, OptIn, Sequence, Step


@dataclass(frozen=True, slots=True)
class Send:
    """An instruction to send the step now; it was due at `due_at`."""

    step: Step
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Skip:
    """An instruction to pass the step without sending it, because of `why`."""

    step: Step
    why: Reason


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """An instruction to look again at `until`, later than now, for the awaited `step`, if any."""

    until: datetime
    why: Reason
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """An instruction to end the enrolment with `reason`."""

    reason: EnrolmentStatus


Action = Send | Skip | WaitUntil | Exit


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """The practice's usual send window, its holidays and its frequency caps.

    Two calendars are never equal, so results worked out with one may be cached.
    """

    window: SendWindow
    holidays: Holidays
    caps: Caps = USUAL_CAPS


@dataclass(frozen=True, slots=True)
class _Present:
    """The moment of a decision, and the calendar; `seen_at` is the moment that counts for lateness.

    It is earlier than now if the account has kept emails waiting since then.
    """

    now: datetime
    seen_at: datetime
    calendar: Calendar


def next_action(
    sequence: Sequence,
    progress: Progress,
    now: datetime,
    calendar: Calendar,
    segments: Collection[str] = (),
    waiting_since: datetime | None = None,
) -> Action:
    """Decide the next action for an enrolment of someone in these `segments`.

    `waiting_since` is since when due emails have been waiting for the account, if they are. Applied
    repeatedly to the progress that each action leads to, it comes to an end; it keeps the
    order of the steps, sends no step twice, and sends nothing early or outside its window.
    """
    guide = _guide_to_offer(sequence, progress)
    if guide:
        return Send(guide, progress.anchor_at)
    step = next_step(sequence, progress)
    present = _Present(now, min(now, waiting_since) if waiting_since else now, calendar)
    if progress.ends_as:
        return _but_the_guide(sequence, step, progress, present)
    if awaits_collection(sequence, progress):
        return _while_uncollected(sequence, step, progress, present)
    action = _in_series(sequence, step, progress, present)
    return _if_meant(action, segments) if isinstance(action, Send) else action


def segments_asked(sequence: Sequence, progress: Progress) -> frozenset[str]:
    """Return the segments that the next action may depend on.

    There are usually none, which saves looking them up. A step that may be skipped brings the next
    one into question as well.
    """
    asked: frozenset[str] = frozenset()
    if progress.ends_as:
        return asked
    for step in steps_ahead(sequence, progress):
        asked |= step.segments
        if not (step.segments or step.late is Late.SKIP or step.kind.rules.reminds):
            return asked
    return asked | {hand_over.only_if for hand_over in sequence.then if hand_over.only_if}


def anchor_after(due_at: datetime, now: datetime) -> datetime:
    """Return the moment from which the wait after a step that is sent now counts.

    An email sent on time counts from the moment it was due, so that a series set for half past
    eight does not drift by the seconds that sending requires. One that was sent late counts from
    when it was sent, so that nothing piles up behind it.
    """
    on_time = now - due_at < timedelta(hours=1)
    return due_at if on_time else now


def _guide_to_offer(sequence: Sequence, progress: Progress) -> Step | None:
    if not progress.guide_wanted:
        return None
    return next((step for step in sequence.steps if step.kind in ANSWERS), None)


def next_step(sequence: Sequence, progress: Progress) -> Step | None:
    """Return the first step after the furthest one that this person has passed.

    Places are found by step key, so enrolments survive an edited sequence: a deleted step no longer
    exists, a step inserted ahead of someone reaches them, and one inserted behind them does not.
    """
    return next(iter(steps_ahead(sequence, progress)), None)


def steps_ahead(sequence: Sequence, progress: Progress) -> list[Step]:
    """Return the steps after the furthest one that this person has passed, except the guide."""
    places = [i for i, step in enumerate(sequence.steps) if step.email in progress.passed]
    ahead = sequence.steps[max(places, default=-1) + 1 :]
    return [step for step in ahead if step.kind not in ANSWERS]


def awaits_collection(sequence: Sequence, progress: Progress) -> bool:
    """Return whether the series is waiting for someone to collect their guide."""
    if sequence.form is None:
        return False
    collects = progress.must_collect or sequence.form.opt_in is OptIn.COLLECT
    return collects and progress.collected_at is None


def _while_uncollected(
    sequence: Sequence, step: Step | None, progress: Progress, present: _Present
) -> Action:
    """Decide what comes before the guide is collected.

    There is one friendly reminder, then silence; finally the enrolment is dropped.
    """
    lets_go_at = progress.enrolled_at + UNCOLLECTED_FOR
    if present.now >= lets_go_at:
        return Exit(EnrolmentStatus.REMOVED)
    if not _is_to_be_reminded(sequence, step, progress):
        return WaitUntil(lets_go_at, Reason(Code.NOT_COLLECTED_YET))
    assert step is not None  # It is the reminder.
    due = due_at(step, progress, present.calendar)
    if due > present.now:
        return WaitUntil(min(due, lets_go_at), _waiting_for(sequence, step), step)
    return _due(step, due, progress, present)


def _is_to_be_reminded(sequence: Sequence, step: Step | None, progress: Progress) -> bool:
    if step is None or not step.kind.rules.reminds:
        return False
    return not any(s.kind.rules.reminds for s in sequence.steps if s.email in progress.passed)


def _but_the_guide(
    sequence: Sequence, step: Step | None, progress: Progress, present: _Present
) -> Action:
    """Return the reminder of an uncollected guide, if one is due, and then the recorded ending."""
    assert progress.ends_as is not None
    awaited = awaits_collection(sequence, progress)
    if step is None or not awaited or not _is_to_be_reminded(sequence, step, progress):
        return Exit(progress.ends_as.status)
    return _in_time(sequence, step, progress, present)


def _in_series(
    sequence: Sequence, step: Step | None, progress: Progress, present: _Present
) -> Action:
    if step is None:
        return _at_the_end(sequence, progress, present.now)
    if step.kind.rules.reminds:
        return Skip(step, Reason(Code.GUIDE_COLLECTED))
    return _in_time(sequence, step, progress, present)


def _in_time(sequence: Sequence, step: Step, progress: Progress, present: _Present) -> Action:
    due = due_at(step, progress, present.calendar)
    if due > present.now:
        return WaitUntil(due, _waiting_for(sequence, step), step)
    return _due(step, due, progress, present)


def _at_the_end(sequence: Sequence, progress: Progress, now: datetime) -> Action:
    """Complete the enrolment, once anyone who was asked a question has had time to answer."""
    until = progress.anchor_at + (sequence.quiet.patience if sequence.quiet else timedelta(0))
    if until > now:
        return WaitUntil(until, Reason(Code.ANSWER_AWAITED))
    return Exit(EnrolmentStatus.COMPLETED)


def _if_meant(action: Send, segments: Collection[str]) -> Action:
    """Skip a step whose condition is not met; this is decided when it would be sent, not before."""
    step = action.step
    if step.only_if and step.only_if not in segments:
        return Skip(step, Reason(Code.NOT_IN_SEGMENT, segment=step.only_if))
    if step.skip_if and step.skip_if in segments:
        return Skip(step, Reason(Code.IN_SEGMENT, segment=step.skip_if))
    return action


def _due(step: Step, due_at: datetime, progress: Progress, present: _Present) -> Action:
    """Send a step whose time has come, unless it is too late or outside its window."""
    if step.late is Late.SKIP and _late_by(step, due_at, progress, present) > step.max_late:
        return Skip(step, Reason(Code.OVERDUE))
    opens_at = _open_from(step, present.now, progress.time_zone, present.calendar)
    if opens_at > present.now:
        return WaitUntil(opens_at, Reason(Code.OUTSIDE_HOURS), step)
    return Send(step, due_at)


def _late_by(step: Step, due_at: datetime, progress: Progress, present: _Present) -> timedelta:
    """Return how late a step is, not counting the time for which we ourselves held it back.

    That is the time of a pause or a frequency cap, which counts until the window opens after it,
    and the time for which the account could send no more. All of it counts if nothing is excused.
    """
    if not step.excuses:
        return present.now - due_at
    zone, calendar = progress.time_zone, present.calendar
    owed_at, excused = due_at, progress.excused_until
    if excused is not None and excused > due_at:
        if excused >= present.seen_at:
            return timedelta(0)
        owed_at = _open_from(step, excused, zone, calendar)
    return _open_from(step, present.seen_at, zone, calendar) - owed_at


def due_at(step: Step, progress: Progress, calendar: Calendar) -> datetime:
    """Return when a step is due: after its wait and, if it names a time of day, at that time.

    Delays are another matter: an overdue step may be sent whenever its window is open.
    """
    return _due_since(step, waits_since(progress), progress.time_zone, calendar)


@lru_cache(maxsize=4096)
def _due_since(step: Step, start: datetime, time_zone: str, calendar: Calendar) -> datetime:
    """Return the due time, cached for everyone whose wait began at the same moment.

    That is common in a series that is set for a fixed hour.
    """
    earliest = after_wait(start, step.wait, time_zone)
    window = window_of(step, calendar.window)
    first = next_opening if step.at else next_open
    return first(earliest, window, time_zone, calendar.holidays)


@lru_cache(maxsize=1024)
def _open_from(step: Step, now: datetime, time_zone: str, calendar: Calendar) -> datetime:
    return next_open(now, window_of(step, calendar.window), time_zone, calendar.holidays)


def wait_over_at(step: Step, progress: Progress) -> datetime:
    """Return when a step's wait, which counts from the last email or the collection, is over."""
    return after_wait(waits_since(progress), step.wait, progress.time_zone)


def waits_since(progress: Progress) -> datetime:
    """Return the moment from which the next step's wait counts."""
    return max(progress.anchor_at, progress.collected_at or progress.anchor_at)


def _waiting_for(sequence: Sequence, step: Step) -> Reason:
    return Reason(Code.TIME_NOT_COME, sequence=sequence.key, step=step.email)
