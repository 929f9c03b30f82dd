"""Turning simulated entries and messages into sentences that end with a full stop."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.audience.facts import Happened
from nurture.domain.messages.status import KEPT, MessageStatus
from nurture.domain.scheduling.timing import Timing
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import WEEKDAYS, OptIn, Step, StepKind, Wait
from nurture.domain.simulation.person import Person, UnderWay
from nurture.domain.simulation.world import SimulatedEvent, What, World
from nurture.domain.subscribers.bookings import BOOKED, BOOKED_BEFORE
from nurture.domain.tracking.events import EventKind
from nurture.services.profile.reasons import why_ended, why_suppressed
from nurture.store.tables.messages import Message

Row = Mapping[str, Any]

_DEEDS = {
    EventKind.OPENED: "opened an email",
    EventKind.CLICKED: "followed a link",
    EventKind.DOWNLOADED: "collected a guide",
    EventKind.BOOKED: "booked a session",
    EventKind.STAYED: "said that they want to stay",
}

_BECAME = {
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

#: Why something in the time ahead ends, where more is known than the planner says.
_WILL_END = {
    EndReason.COMPLETED: "nothing is left to send",
    EndReason.NOT_COLLECTED: "the guide was not collected",
    EndReason.NO_CONSENT: "they have not agreed to these emails",
}

#: Why nothing of a sequence is sent, as it goes on after its name.
_HELD = {
    "the sequence is paused": "is paused",
    "the sequence is not published": "is not published any more",
}

#: Entries that say nothing of why a mail does not come sooner.
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
) -> Outlook:
    """Describe what the simulation and the message ledger say about the future, in sentences."""
    zone = ZoneInfo(person.facts.time_zone)
    place = next((n for n, entry in enumerate(coming) if entry.what is What.SENT), None)
    before = coming if place is None else coming[:place]
    reasons = [*_uncollected(world, person), *_put_off(ledger)]
    reasons += [_reason(entry, zone, now) for entry in before if _is_reason(entry)]
    if not armed:
        reasons.append(
            "This database is a copy and not armed: nothing is sent until “nurture arm”."
        )
    if place is None:
        said = f"No emails planned: {_nothing(world, person, coming, happened)}."
        return Outlook(said, None, _unique(reasons))
    entry = coming[place]
    step = world.sequences[entry.sequence].step(entry.step)
    said = f"Next comes “{entry.step}” ({entry.sequence}) on {moment(entry.at, zone)}."
    if entry.at <= now:
        said = f"Next comes “{entry.step}” ({entry.sequence}), which is due now."
    why = [*_timed(step, entry.timing, zone, now), *reasons]
    return Outlook(said, entry.at, _unique(why))


def became_of(message: Message, at: str, deeds: list[str]) -> str:
    """Say what became of a message, and what the person did about it."""
    kept = message.status is MessageStatus.ACCEPTED and message.reason == KEPT
    became = f"was not sent on {at}" if kept else _BECAME[message.status].format(at=at)
    said = f"“{message.step}” ({message.sequence}) {became}"
    if message.reason:
        said += f": {message.reason}"
    if deeds:
        said += f"; they {and_(deeds)}"
    remedy = ""
    if message.status is MessageStatus.IN_DOUBT:
        remedy = f" Say what is so with “nurture settle {message.id}”."
    return f"{said}.{remedy}"


def because(event: Happened) -> str:
    """Say what someone did, as a phrase to follow “they”."""
    deed = _DEEDS.get(event.kind, str(event.kind))
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


def _reason(entry: SimulatedEvent, zone: ZoneInfo, now: datetime) -> str:
    match entry.what:
        case What.POSTPONED:
            until = moment(entry.until or entry.at, zone)
            return f"“{entry.step}” is held back until {until}: {entry.why}."
        case What.SKIPPED:
            return f"“{entry.step}” will be passed over: {entry.why}."
        case What.WAITING:
            until = moment(entry.until or entry.at, zone)
            return f"“{entry.sequence}” waits, at most until {until}: {entry.why}."
        case What.HELD:
            return f"“{entry.sequence}” {_HELD.get(entry.why, f'waits: {entry.why}')}."
        case What.HANDED_OVER:
            return f"Before that they go on in “{entry.sequence}”, {entry.why}."
    when = "now" if entry.at <= now else f"on {moment(entry.at, zone)}"
    return f"“{entry.sequence}” ends {when}: {_why_it_will_end(entry)}."


def _why_it_will_end(entry: SimulatedEvent) -> str:
    if entry.because is None:
        return entry.why
    if entry.because in _WILL_END:
        return _WILL_END[entry.because]
    return why_ended(Ending(EnrolmentStatus(entry.kind), entry.because), entry.sequence)


def _uncollected(world: World, person: Person) -> Iterator[str]:
    """Explain which guides were sent but not collected, while everything else waits for them."""
    for one in person.enrolments:
        yield from _uncollected_in(world, one)


def _uncollected_in(world: World, one: UnderWay) -> Iterator[str]:
    sequence = world.sequences.get(one.sequence)
    if sequence is None or sequence.form is None or one.status is not EnrolmentStatus.ACTIVE:
        return
    awaited = sequence.form.opt_in is OptIn.COLLECT and one.progress.collected_at is None
    if awaited and not (one.progress.guide_wanted or one.progress.ends_as):
        yield (
            f"The guide of “{one.sequence}” has not been collected yet; until it is, "
            "the series does not begin."
        )


def _put_off(ledger: list[Message]) -> Iterator[str]:
    """Explain which messages wait for the mail server, are being sent or are in doubt."""
    for message in ledger:
        if message.status is MessageStatus.DEFERRED:
            said = message.reason or "the mail server did not take it"
            yield f"“{message.step}” is put off after attempt {message.attempt}: {said}."
        elif message.status in (MessageStatus.CLAIMED, MessageStatus.SENDING):
            yield f"“{message.step}” is in a worker's hands just now."


def _nothing(
    world: World, person: Person, coming: tuple[SimulatedEvent, ...], happened: Iterable[Row]
) -> str:
    """Say why nothing will come: one reason, or one for each sequence they are or were in."""
    if person.suppressed:
        return why_suppressed(person.suppressed, happened)
    own = [one for one in person.enrolments if not _is_ours(world, one)]
    told = own or person.enrolments
    if not told:
        return "they are in no sequence"
    return and_(dict.fromkeys(_why_nothing(world, one, coming) for one in told))


def _is_ours(world: World, one: UnderWay) -> bool:
    """Return whether a sequence answers a request or asks the silent, and so is not a series."""
    sequence = world.sequences.get(one.sequence)
    return sequence is not None and (sequence.answers is not None or sequence.quiet is not None)


def _why_nothing(world: World, one: UnderWay, coming: tuple[SimulatedEvent, ...]) -> str:
    if one.status is not EnrolmentStatus.ACTIVE:
        return why_ended(one.ending, one.sequence)
    entries = [entry for entry in coming if entry.sequence == one.sequence]
    held = next((entry for entry in entries if entry.what is What.HELD), None)
    if held:
        return f"“{one.sequence}” {_HELD.get(held.why, f'waits: {held.why}')}"
    ends = next((entry for entry in reversed(entries) if entry.what is What.ENDED), None)
    will_end = Ending(EnrolmentStatus(ends.kind), ends.because) if ends else one.progress.ends_as
    if any(_uncollected_in(world, one)) and not (will_end and will_end in (BOOKED, BOOKED_BEFORE)):
        return f"the guide of “{one.sequence}” has not been collected yet"
    return why_ended(will_end or one.ending, one.sequence)
