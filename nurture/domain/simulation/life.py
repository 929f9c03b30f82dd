"""One person's life on the virtual clock: what they do, and what that changes.

It mirrors what `nurture.services` do in the database; a property test keeps the two in agreement.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from nurture.domain.audience.facts import Enrolled, Facts, Happened, SignedUp
from nurture.domain.scheduling.gate import PAUSE, Frequency, PausedBy, Standing
from nurture.domain.scheduling.pause import UNTIL_RESUMED
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import OptIn, Sequence, StepKind
from nurture.domain.simulation.person import Act, Deed, Person, UnderWay, come_over
from nurture.domain.simulation.world import World
from nurture.domain.subscribers.bookings import (
    BOOKED,
    after_booking,
    booked_until,
    ends_by_booking,
    is_booked,
    is_for_guide_only,
)
from nurture.domain.subscribers.consent import Consents, Purpose
from nurture.domain.subscribers.guide_requests import ask_again, begin, collect, is_too_soon
from nurture.domain.subscribers.suppression import (
    Suppression,
    SuppressionReason,
    may_ask_again,
    strongest,
)
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import HOLD, Verdict

_STOPPED = frozenset({Purpose.GUIDE, Purpose.MARKETING})

UNSUBSCRIBED = Ending(EnrolmentStatus.UNSUBSCRIBED, EndReason.UNSUBSCRIBED)


@dataclass
class Life:
    """The current state of one person, which the methods change."""

    world: World
    person: Person
    facts: Facts = field(init=False)
    enrolments: dict[str, UnderWay] = field(init=False)
    suppressions: dict[SuppressionReason, Suppression] = field(init=False)
    guide_on_trial: str = field(init=False)
    paused_until: datetime | None = field(init=False)
    paused_by: PausedBy = field(init=False)
    mailed_at: list[datetime] = field(init=False)
    had: set[str] = field(default_factory=set)
    _withdrawn_by_stopping: frozenset[Purpose] = frozenset()
    _refused: frozenset[Purpose] = frozenset()

    def __post_init__(self) -> None:
        """Begin with the person's initial state."""
        person = self.person
        self.facts = person.facts
        self.enrolments = {one.sequence: one for one in person.enrolments}
        self.suppressions = {one.reason: one for one in person.suppressions}
        self.guide_on_trial, self.paused_until = person.guide_on_trial, person.paused_until
        self.paused_by = person.paused_by
        self.mailed_at = list(person.mailed_at)
        self.had |= {f"{o.sequence}/{key}" for o in person.enrolments for key in o.progress.passed}

    # --- What deciding asks ------------------------------------------------------------------

    def due(self, now: datetime) -> list[UnderWay]:
        """Return the enrolments to look at now, longest due first."""
        found = [one for one in self._active() if one.look_at is not None and one.look_at <= now]
        return sorted(found, key=lambda one: one.look_at or now)

    def next_look(self) -> datetime | None:
        """Return when there is next something to look at, ignoring the owner's pauses."""
        looks = [one.look_at for one in self._active() if one.look_at is not None]
        return min((at for at in looks if at < UNTIL_RESUMED), default=None)

    def standing(self, sequence: str) -> Standing:
        """Return what the gate needs to know."""
        held = sequence in self.world.paused
        return Standing(
            consents=self.facts.consents,
            suppressed=strongest(self.suppressions),
            paused_until=UNTIL_RESUMED if held else self.paused_until,
            frequency=self.facts.frequency,
            mailed_at=tuple(self.mailed_at),
            bounces=SuppressionReason.BOUNCED in self.suppressions,
            guide_on_trial=self.guide_on_trial == sequence,
            paused_by=self.paused_by,
            booked_until=booked_until(self.facts.events),
        )

    def segments(self, now: datetime) -> frozenset[str]:
        """Return the segments this person is in; a hit that is still held does not count yet."""
        return self.world.segments.of(self.facts_at(now), now)

    def facts_at(self, now: datetime) -> Facts:
        """Return everything known about the person at that moment."""
        return replace(
            self.facts,
            enrolments=tuple(map(_enrolled, self.enrolments.values())),
            events=tuple(e for e in self.facts.events if _known_at(e) <= now),
        )

    # --- What a worker writes down -----------------------------------------------------------

    def put(self, one: UnderWay) -> None:
        """Record the new state of an enrolment."""
        self.enrolments[one.sequence] = one

    def hand_over(self, sequence: str, now: datetime) -> bool:
        """Enrol them in another sequence; return whether they had never been in it."""
        if sequence in self.enrolments:
            return False
        self.put(come_over(sequence, now, self.facts.time_zone))
        return True

    # --- What the person does ----------------------------------------------------------------

    def do(self, act: Act) -> bool:
        """Carry out the act; return whether it made a difference."""
        match act.deed:
            case Deed.SIGNS_UP:
                return self._sign_up(act)
            case Deed.COLLECTS:
                return self._collect(act)
            case Deed.OPENS | Deed.CLICKS:
                return self._hit(act)
            case Deed.BOOKS:
                return self._book(act.at)
            case Deed.CANCELS:
                self._note(EventKind.CANCELLED, act.at)
                return True
            case Deed.UNSUBSCRIBES:
                return self._stop(act.at)
            case _:
                return self._prefer(act)

    def _sign_up(self, act: Act) -> bool:
        sequence = self.world.of_form(act.about)
        if sequence is None or sequence.form is None or not self._may_sign_up(act.at):
            return False
        form = sequence.form
        signups = (*self.facts.signups, SignedUp(form.key, act.at))
        ticked = frozenset(self.person.ticked) - (
            self._refused if self.facts.confirmed else frozenset()
        )
        self._know(
            signups=signups, confirmed=self.facts.confirmed or form.opt_in is OptIn.CONFIRMED
        )
        self._agree(ticked | frozenset(form.grants))
        self._start_or_offer_again(sequence, act.at)
        for bounce in self.suppressions.values():
            self.suppressions[bounce.reason] = replace(bounce, asked_again_at=act.at)
            self.guide_on_trial = sequence.key
        return True

    def _may_sign_up(self, now: datetime) -> bool:
        """Return whether a signup is accepted.

        After a bounce that is not recent, a suppressed person gets the guide once more.
        """
        standing = list(self.suppressions.values())
        return not standing or may_ask_again(standing, now)

    def _start_or_offer_again(self, sequence: Sequence, now: datetime) -> None:
        before = self.enrolments.get(sequence.key)
        booked = is_for_guide_only(sequence) and is_booked(booked_until(self.facts.events))
        if before is None:
            progress = begin(now, self.facts.time_zone, booked=booked)
        elif is_too_soon(before.guide_wanted_at or before.progress.enrolled_at, now):
            return
        else:
            progress = ask_again(before.ending, before.progress, now, booked=booked)
        self.put(UnderWay(sequence.key, progress, now, guide_wanted_at=now))

    def _collect(self, act: Act) -> bool:
        one = self.enrolments.get(act.about)
        if one is None:
            return False
        self._know(confirmed=True)
        if self.guide_on_trial == act.about:
            self._lift_bounce(act.at)
            one = self.enrolments[act.about]
        self._note(EventKind.DOWNLOADED, act.at, self._guide_email(act.about))
        if one.progress.collected_at is None:
            status, progress = collect(one.ending, one.progress, act.at)
            self.put(replace(one, progress=progress, look_at=act.at, status=status))
        return True

    def _guide_email(self, sequence: str) -> str:
        found = self.world.sequences.get(sequence)
        steps = [s.email for s in found.steps if s.kind is StepKind.GUIDE] if found else []
        return f"{sequence}/{steps[0]}" if steps else ""

    def _hit(self, act: Act) -> bool:
        """Record an open or click, if the email was received and the person agreed to tracking."""
        if Purpose.TRACKING not in self.facts.consents or act.about not in self.had:
            return False
        kind = EventKind.OPENED if act.deed is Deed.OPENS else EventKind.CLICKED
        self._note(kind, act.at, act.about, act.topics)
        return True

    def _book(self, now: datetime) -> bool:
        self._note(EventKind.BOOKED, now)
        for one in list(self._active()):
            sequence = self.world.sequences.get(one.sequence)
            if sequence is None or not ends_by_booking(sequence):
                continue
            if still := after_booking(one.progress):
                self.put(replace(one, progress=still))
            else:
                self._end(one, BOOKED)
        return True

    def _stop(self, now: datetime) -> bool:
        unsubscribed = SuppressionReason.UNSUBSCRIBED
        if unsubscribed in self.suppressions:
            return False
        self.suppressions[unsubscribed] = Suppression(unsubscribed, now)
        self._withdrawn_by_stopping = self.facts.consents.purposes & _STOPPED
        self._withdraw(self._withdrawn_by_stopping)
        for one in list(self._active()):
            self._end(one, UNSUBSCRIBED)
        return True

    def _prefer(self, act: Act) -> bool:
        """Apply a change made on the preference page.

        A pause or a new frequency undoes an unsubscription, but no other suppression.
        """
        match act.deed:
            case Deed.AGREES:
                self._agree(frozenset({Purpose(act.about)}))
            case Deed.WITHDRAWS:
                self._withdraw(frozenset({Purpose(act.about)}))
            case Deed.PAUSES:
                if not self._is_paused(act.at):
                    self.paused_until, self.paused_by = act.at + PAUSE, PausedBy.PERSON
            case Deed.WANTS_FEWER | Deed.WANTS_THE_USUAL:
                fewer = act.deed is Deed.WANTS_FEWER
                self._know(frequency=Frequency.FEWER if fewer else Frequency.USUAL)
                self.paused_until = None
        if act.deed not in (Deed.AGREES, Deed.WITHDRAWS):
            self._start_again()
        for one in list(self._active()):
            self.put(replace(one, look_at=act.at))
        return True

    def _is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and self.paused_until > now

    def _start_again(self) -> None:
        if self.suppressions.pop(SuppressionReason.UNSUBSCRIBED, None) is None:
            return
        self._agree(self._withdrawn_by_stopping)
        for one in self.enrolments.values():
            if one.status is EnrolmentStatus.UNSUBSCRIBED:
                self.enrolments[one.sequence] = replace(one, status=EnrolmentStatus.ACTIVE)

    def _lift_bounce(self, now: datetime) -> None:
        """Lift a bounce because the guide has arrived, and resume what the bounce had ended."""
        self.guide_on_trial = ""
        self.suppressions.pop(SuppressionReason.BOUNCED, None)
        for one in self.enrolments.values():
            if one.status is EnrolmentStatus.SUPPRESSED:
                active = replace(one, status=EnrolmentStatus.ACTIVE, look_at=now)
                self.enrolments[one.sequence] = active

    def _end(self, one: UnderWay, ending: Ending) -> None:
        self.put(ended(one, ending))

    def _active(self) -> Iterator[UnderWay]:
        return (o for o in self.enrolments.values() if o.status is EnrolmentStatus.ACTIVE)

    def _know(self, **more: object) -> None:
        self.facts = replace(self.facts, **more)  # type: ignore[arg-type]

    def _agree(self, purposes: frozenset[Purpose]) -> None:
        self._refused -= purposes
        self._know(consents=Consents(self.facts.consents.purposes | purposes))

    def _withdraw(self, purposes: frozenset[Purpose]) -> None:
        self._refused |= purposes & self.facts.consents.purposes
        self._know(consents=Consents(self.facts.consents.purposes - purposes))

    def _note(
        self, kind: EventKind, at: datetime, email: str = "", topics: frozenset[str] = frozenset()
    ) -> None:
        about = topics or self.world.topics.get(email, frozenset())
        happened = Happened(kind, at, Verdict.HUMAN, email, topics=about)
        self._know(events=(*self.facts.events, happened))


def _enrolled(one: UnderWay) -> Enrolled:
    return Enrolled(one.sequence, one.status, one.progress.passed, one.progress.collected_at)


def ended(one: UnderWay, ending: Ending) -> UnderWay:
    """Return the enrolment, ended for that reason."""
    progress = one.progress
    if not ending.is_left:
        progress = replace(progress, ends_as=None)
    return replace(
        one, progress=progress, status=ending.status, because=ending.because, look_at=None
    )


def _known_at(event: Happened) -> datetime:
    held = event.kind in (EventKind.OPENED, EventKind.CLICKED)
    return event.at + HOLD if held else event.at
