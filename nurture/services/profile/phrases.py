"""Turning simulated entries and messages into sentences that end with a full stop.

The words for deeds and statuses are the command line's, where sequences and emails are named by
their keys (`domain.reasons.KeyNames`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.audience.facts import Happened
from nurture.domain.messages.status import KEPT, MessageStatus
from nurture.domain.reasons import KEYS, Code, Names, Reason, in_words, why_ended, why_suppressed
from nurture.domain.scheduling.planner import awaits_collection
from nurture.domain.scheduling.timing import Timing
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import WEEKDAYS, Step, StepKind, Wait
from nurture.domain.simulation.person import Person, UnderWay
from nurture.domain.simulation.world import SimulatedEvent, What, World
from nurture.domain.subscribers.bookings import BOOKED, BOOKED_BEFORE
from nurture.domain.tracking.events import EventKind
from nurture.store.tables.messages import Message

Row = Mapping[str, Any]

#: What someone did, in words that follow “they”.
DEEDS: Mapping[EventKind, str] = {
    EventKind.OPENED: "opened an email",
    EventKind.CLICKED: "followed a link",
    EventKind.DOWNLOADED: "collected a guide",
    EventKind.BOOKED: "booked a session",
    EventKind.STAYED: "said that they want to stay",
    EventKind.REPLIED: "replied to an email",
}

#: What became of an email, in words that follow its name.
BECAME: Mapping[MessageStatus, str] = {
    MessageStatus.CLAIMED: "is about to be sent",
    MessageStatus.SENDING: "is being offered to the mail server just now",
    MessageStatus.ACCEPTED: "was sent on {at}",
    MessageStatus.DELIVERED: "was sent on {at} and delivered",
    MessageStatus.DEFERRED: "was put off on {at}",
    MessageStatus.FAILED: "was refused for good on {at}",
    MessageStatus.BOUNCED: "was sent on {at} and came back",
    MessageStatus.COMPLAINED: "was sent on {at} and reported as spam",
    MessageStatus.IN_DOUBT: "may or may not have been sent on {at}",
    MessageStatus.CANCELLED: "was taken back before it was sent",
}

#: Why something will end, if more is known than the planner says.
_WILL_END = {
    EndReason.COMPLETED: Reason(Code.NOTHING_LEFT),
    EndReason.NOT_COLLECTED: Reason(Code.GUIDE_NOT_COLLECTED),
    EndReason.NO_CONSENT: Reason(Code.NOT_AGREED_TO_THESE),
}

#: Why nothing from a sequence is sent, in words that name the sequence.
_HELD: Mapping[Code | EndReason, Code] = {
    Code.SEQUENCE_PAUSED: Code.SEQUENCE_IS_PAUSED,
    Code.NOT_PUBLISHED: Code.SEQUENCE_IS_NOT_PUBLISHED,
}

#: Entries that do not explain why an email does not come sooner.
_NO_REASONS = (What.DID, What.SENT)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What comes next, when, and what delays it."""

    next: str
    next_at: datetime | None
    why_not_sooner: tuple[str, ...]


def outlook(
    world: World,
    person: Person,
    coming: tuple[SimulatedEvent, ...],
    ledger: list[Message],
    now: datetime,
    armed: bool,
    happened: Iterable[Row] = (),
    names: Names = KEYS,
) -> Outlook:
    """Say in sentences what the simulation and the ledger know about the future.

    `names` are the reader's names for sequences and emails.
    """
    zone = ZoneInfo(person.facts.time_zone)
    place = next((n for n, entry in enumerate(coming) if entry.what is What.SENT), None)
    before = coming if place is None else coming[:place]
    reasons = [*_uncollected(world, person, names), *_put_off(ledger, names)]
    reasons += [_reason(entry, zone, now, names) for entry in before if _is_reason(entry)]
    if not armed:
        reasons.append(
            "This database is a copy and not armed: nothing is sent until “nurture arm”."
        )
    if place is None:
        said = f"No emails planned: {_nothing(world, person, coming, happened, names)}."
        return Outlook(said, None, _unique(reasons))
    entry = coming[place]
    step = world.sequences[entry.sequence].step(entry.step)
    email = names.email(entry.sequence, entry.step)
    said = f"Next comes {email} on {moment(entry.at, zone)}."
    if entry.at <= now:
        said = f"Next comes {email}, which is due now."
    why = [*_timed(step, entry.timing, zone, now), *reasons]
    return Outlook(said, entry.at, _unique(why))


def became_of(message: Message, at: str, deeds: list[str]) -> str:
    """Say what became of a message, and what the person did about it."""
    kept = message.status is MessageStatus.ACCEPTED and message.reason == KEPT
    became = f"was not sent on {at}" if kept else BECAME[message.status].format(at=at)
    said = f"{KEYS.email(message.sequence, message.step)} {became}"
    if why := _why(message, KEYS):
        said += f": {why}"
    if deeds:
        said += f"; they {and_(deeds)}"
    remedy = ""
    if message.status is MessageStatus.IN_DOUBT:
        remedy = f" Say what is so with “nurture settle {message.id}”."
    return f"{said}.{remedy}"


def because(event: Happened) -> str:
    """Say what someone did, as a phrase to follow “they”."""
    deed = DEEDS.get(event.kind, str(event.kind))
    return f"{deed} (“{event.email}”)" if event.email else deed


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Format a time in someone's own time zone."""
    return f"{at.astimezone(zone):%A %-d %B %Y at %H:%M}"


def and_(words: Iterable[str]) -> str:
    """Join a list as spoken: one, two and three."""
    *many, last = list(words) or [""]
    return f"{', '.join(many)} and {last}" if many else last


def _unique(said: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said))


def _timed(step: Step, timing: Timing | None, zone: ZoneInfo, now: datetime) -> Iterator[str]:
    """Explain the wait, the time of day and the days that determine when a step is due."""
    if timing is None or timing.due_at <= now:
        return
    if step.wait != Wait():
        yield (
            f"Its wait of {length(step.wait)} counts from {moment(timing.since, zone)} and is "
            f"over on {moment(timing.wait_over_at, zone)}."
        )
    if timing.due_at > timing.wait_over_at:
        yield f"It goes out {_window(step)}."
    if timing.holidays:
        days = and_(f"{day:%A %-d %B}" for day in timing.holidays)
        yield f"{days} {'is a bank holiday' if len(timing.holidays) == 1 else 'are bank holidays'}."
    if timing.clocks_change_on:
        how = "forward" if timing.clocks_by > timedelta(0) else "back"
        yield f"The clocks go {how} on {timing.clocks_change_on:%A %-d %B}; the wait keeps to them."


def _window(step: Step) -> str:
    days = (
        "on any day"
        if len(step.on.weekdays) == len(WEEKDAYS)
        else "on working days"
        if not step.on.holidays
        else f"on a {' or '.join(WEEKDAYS[n].capitalize() for n in sorted(step.on.weekdays))}"
    )
    return f"{days} at {step.at:%H:%M}" if step.at else f"{days}, in the hours in which we write"


def length(wait: Wait) -> str:
    """Format a wait as the owner writes it."""
    hours, seconds = divmod(int(wait.elapsed.total_seconds()), 3600)
    parts = [(wait.days, "day"), (hours, "hour"), (seconds // 60, "minute")]
    said = [f"{count} {unit}{'s' if count > 1 else ''}" for count, unit in parts if count]
    return and_(said) or "no time"


def _is_reason(entry: SimulatedEvent) -> bool:
    """Return whether an entry is a reason for delay; a skipped reminder delays no one."""
    reminder = entry.what is What.SKIPPED and entry.kind == StepKind.REMINDER
    return entry.what not in _NO_REASONS and not reminder


def _reason(entry: SimulatedEvent, zone: ZoneInfo, now: datetime, names: Names) -> str:
    sequence, until = names.sequence(entry.sequence), moment(entry.until or entry.at, zone)
    step = names.step(entry.sequence, entry.step)
    match entry.what:
        case What.POSTPONED:
            return f"{step} is held back until {until}: {_said(entry, names)}."
        case What.SKIPPED:
            return f"{step} will be passed over: {_said(entry, names)}."
        case What.WAITING:
            return f"{sequence} waits, at most until {until}: {_said(entry, names)}."
        case What.HELD:
            return f"{_held(entry, names)}."
        case What.HANDED_OVER:
            return f"Before that they go on in {sequence}, {_said(entry, names)}."
    when = "now" if entry.at <= now else f"on {moment(entry.at, zone)}"
    return f"{sequence} ends {when}: {_why_it_will_end(entry, names)}."


def _said(entry: SimulatedEvent, names: Names) -> str:
    return in_words(entry.why, names) if entry.why else ""


def _held(entry: SimulatedEvent, names: Names) -> str:
    code = _HELD.get(entry.why.code) if entry.why else None
    if code:
        return in_words(Reason(code, sequence=entry.sequence), names)
    return f"{names.sequence(entry.sequence)} waits: {_said(entry, names)}"


def _why_it_will_end(entry: SimulatedEvent, names: Names) -> str:
    if entry.because is None:
        return _said(entry, names)
    ending = Ending(EnrolmentStatus(entry.kind), entry.because)
    return in_words(_WILL_END.get(entry.because) or why_ended(ending, entry.sequence), names)


def _uncollected(world: World, person: Person, names: Names) -> Iterator[str]:
    """Explain which guides were sent but not collected, while everything else waits for them."""
    for one in person.enrolments:
        if _awaits_guide(world, one):
            awaited = Reason(Code.GUIDE_AWAITED, sequence=one.sequence)
            said = in_words(awaited, names)
            yield f"{said[0].upper()}{said[1:]}; until it is, the series does not begin."


def _awaits_guide(world: World, one: UnderWay) -> bool:
    sequence = world.sequences.get(one.sequence)
    if sequence is None or sequence.form is None or one.status is not EnrolmentStatus.ACTIVE:
        return False
    awaited = awaits_collection(sequence, one.progress)
    return awaited and not (one.progress.guide_wanted or one.progress.ends_as)


def _put_off(ledger: list[Message], names: Names) -> Iterator[str]:
    """Explain which messages wait for the mail server, are being sent or are in doubt."""
    for message in ledger:
        step = names.step(message.sequence, message.step)
        if message.status is MessageStatus.DEFERRED:
            said = _why(message, names) or "the mail server did not take it"
            yield f"{step} is put off after attempt {message.attempt}: {said}."
        elif message.status in (MessageStatus.CLAIMED, MessageStatus.SENDING):
            yield f"{step} is in a worker's hands just now."


def _why(message: Message, names: Names) -> str:
    """Return why a message has its status: our own reason, or the mail server's words."""
    return in_words(message.why, names) if message.why else message.reason


def _nothing(
    world: World,
    person: Person,
    coming: tuple[SimulatedEvent, ...],
    happened: Iterable[Row],
    names: Names,
) -> str:
    """Say why nothing will come: one reason, or one for each sequence they are or were in."""
    if person.suppressed:
        left = [e["source"] for e in happened if e["kind"] == EventKind.UNSUBSCRIBED]
        return in_words(why_suppressed(person.suppressed, left), names)
    own = [one for one in person.enrolments if not _is_ours(world, one)]
    told = own or person.enrolments
    if not told:
        return in_words(Reason(Code.IN_NO_SEQUENCE), names)
    return and_(dict.fromkeys(_why_nothing(world, one, coming, names) for one in told))


def _is_ours(world: World, one: UnderWay) -> bool:
    """Return whether a sequence answers a request or asks the silent, and so is not a series."""
    sequence = world.sequences.get(one.sequence)
    return sequence is not None and (sequence.answers is not None or sequence.quiet is not None)


def _why_nothing(
    world: World, one: UnderWay, coming: tuple[SimulatedEvent, ...], names: Names
) -> str:
    if one.status is not EnrolmentStatus.ACTIVE:
        return in_words(why_ended(one.ending, one.sequence), names)
    entries = [entry for entry in coming if entry.sequence == one.sequence]
    held = next((entry for entry in entries if entry.what is What.HELD), None)
    if held:
        return _held(held, names)
    if one.sequence in world.paused:
        return in_words(Reason(_HELD[Code.SEQUENCE_PAUSED], sequence=one.sequence), names)
    ends = next((entry for entry in reversed(entries) if entry.what is What.ENDED), None)
    will_end = Ending(EnrolmentStatus(ends.kind), ends.because) if ends else one.progress.ends_as
    if _awaits_guide(world, one) and not (will_end and will_end in (BOOKED, BOOKED_BEFORE)):
        return in_words(Reason(Code.GUIDE_AWAITED, sequence=one.sequence), names)
    return in_words(why_ended(will_end or one.ending, one.sequence), names)
