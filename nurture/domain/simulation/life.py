"""One person's life on the virtual clock: what they do, and what that changes.

What a deed changes is decided in `domain.subscribers`, for the services as well. This module
records the outcome, as the services do in the database; a property test compares the two.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from nurture.domain.audience.facts import Enrolled, Facts, Happened, SignedUp
from nurture.domain.scheduling.gate import UNTIL_RESUMED, PausedBy, Standing, gives_way_to_a_reply
from nurture.domain.scheduling.precedence import MOVED_OFTEN
from nurture.domain.sequences.enrolment import REPLIED, Ending, EnrolmentStatus
from nurture.domain.sequences.sequence import Sequence, StepKind, WhenReplied
from nurture.domain.simulation.person import Act, Deed, Person, UnderWay, come_over
from nurture.domain.simulation.world import World
from nurture.domain.subscribers import preferences
from nurture.domain.subscribers.bookings import BOOKED, after_booking, booked_until, ends_by_booking
from nurture.domain.subscribers.consent import ConsentChange, Purpose, Scope
from nurture.domain.subscribers.guide_requests import collect
from nurture.domain.subscribers.late_signups import SignupTime
from nurture.domain.subscribers.signup import Earlier, Known, TickedBoxes, sign_up
from nurture.domain.subscribers.suppression import (
    Suppression,
    SuppressionReason,
    ending_by,
    ending_once,
    goes_on,
    strongest,
)
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import HOLD, Verdict

_WISHES = {
    Deed.PAUSES: preferences.Wish.PAUSED,
    Deed.WANTS_FEWER: preferences.Wish.FEWER,
    Deed.WANTS_THE_USUAL: preferences.Wish.USUAL,
}


class Life:
    """The current state of one person, which the methods change."""

    def __init__(self, world: World, person: Person) -> None:
        """Begin with the person's initial state."""
        self.world, self.person, self.facts = world, person, person.facts
        self.enrolments = {one.sequence: one for one in person.enrolments}
        self.suppressions = {one.reason: one for one in person.suppressions}
        self.guide_on_trial, self.paused_until = person.guide_on_trial, person.paused_until
        self.paused_by = person.paused_by
        self.mailed_at = list(person.mailed_at)
        self.had = {f"{o.sequence}/{key}" for o in person.enrolments for key in o.progress.passed}
        self._awaited = dict[Purpose, ConsentChange]()
        self._withdrawn_by_stop = self._refused = frozenset[Scope]()

    # --- What deciding asks ------------------------------------------------------------------

    def due(self, now: datetime) -> list[UnderWay]:
        """Return the enrolments to look at now, longest due first."""
        found = [one for one in self._active() if one.look_at is not None and one.look_at <= now]
        return sorted(found, key=lambda one: one.look_at or now)

    def next_look(self) -> datetime | None:
        """Return when there is next something to look at, ignoring the owner's pauses."""
        looks = [one.look_at for one in self._active() if one.look_at is not None]
        return min((at for at in looks if at < UNTIL_RESUMED), default=None)

    def series_first_at(self) -> datetime | None:
        """Return when an email of a series is awaited that goes before any broadcast, if any is."""
        awaited = [one.look_at for one in self._active() if one.look_at and self._goes_first(one)]
        return min(awaited, default=None)

    def _goes_first(self, one: UnderWay) -> bool:
        sequence = self.world.sequences.get(one.sequence)
        if sequence is None or sequence.broadcast is not None:
            return False
        return one.sequence not in self.world.paused and one.progress.moved >= MOVED_OFTEN

    def standing(self, sequence: str, series_first_at: datetime | None = None) -> Standing:
        """Return what the gate needs to know."""
        return Standing(
            consents=self.facts.consents,
            suppressed=strongest(self.suppressions),
            paused_until=self.paused_until,
            frequency=self.facts.frequency,
            mailed_at=tuple(self.mailed_at),
            bounces=SuppressionReason.BOUNCED in self.suppressions,
            guide_on_trial=self.guide_on_trial == sequence,
            paused_by=self.paused_by,
            booked_until=booked_until(self.facts.events),
            is_confirmed=self.facts.confirmed or self.person.awaits_no_confirmation,
            is_unknown=self.person.is_unknown,
            is_client=self.person.is_client,
            may_as_client=self.person.may_as_client,
            series_first_at=series_first_at,
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

    def hand_over(self, sequence: str, now: datetime, covered_by: str) -> bool:
        """Enrol them in another sequence; return whether they had never been in it."""
        if sequence in self.enrolments:
            return False
        self.put(come_over(sequence, now, self.facts.time_zone, covered_by))
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
            case Deed.REPLIES:
                return self._reply(act)
            case Deed.BOOKS:
                return self._book(act.at)
            case Deed.CANCELS:
                self._note(EventKind.CANCELLED, act.at)
                return True
            case Deed.UNSUBSCRIBES:
                return self._stop(preferences.stop(self._subscription()), act.at)
            case _:
                return self._prefer(act)

    def _sign_up(self, act: Act) -> bool:
        sequence, now = self.world.of_form(act.about), act.at
        if sequence is None:
            return False
        known, ticked = self._known(sequence), self.person.ticked
        decided = sign_up(sequence, TickedBoxes(ticked), known, SignupTime(now))
        if decided is None:
            return False
        signups = (*self.facts.signups, SignedUp(act.about, now))
        self._know(signups=signups, confirmed=self.facts.confirmed or decided.confirms)
        self._record(decided.granted)
        self._awaited |= {change.purpose: change for change in decided.awaited}
        if decided.progress:
            self.put(UnderWay(sequence.key, decided.progress, now, guide_wanted_at=now))
        if decided.guide_on_trial:
            self.guide_on_trial = sequence.key
            for bounce in self.suppressions.values():
                self.suppressions[bounce.reason] = replace(bounce, asked_again_at=now)
        return True

    def _known(self, sequence: Sequence) -> Known:
        before = self.enrolments.get(sequence.key)
        return Known(
            self.facts.time_zone,
            list(self.suppressions.values()),
            confirmed=self.facts.confirmed,
            refused=self._refused,
            booked_until=booked_until(self.facts.events),
            enrolment=_earlier(before) if before else None,
            agreed=self.facts.consents,
        )

    def _collect(self, act: Act) -> bool:
        one = self.enrolments.get(act.about)
        if one is None:
            return False
        self._know(confirmed=True)
        self._record(list(self._awaited.values()))
        if self.guide_on_trial == act.about:
            self._lift_bounce(act.at)
            one = self.enrolments[act.about]
        self._note(EventKind.DOWNLOADED, act.at, self._guide_email(act.about))
        if collected := collect(one.ending, one.progress, act.at):
            status, because = collected.ending.status, collected.ending.because
            now, progress = act.at, collected.progress
            self.put(UnderWay(one.sequence, progress, now, status, one.guide_wanted_at, because))
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

    def _reply(self, act: Act) -> bool:
        """Record a reply to an email they got; its series goes on, waits or ends, as it says."""
        if act.about not in self.had:
            return False
        self._note(EventKind.REPLIED, act.at, act.about)
        key = act.about.partition("/")[0]
        sequence, one = self.world.sequences.get(key), self.enrolments.get(key)
        if sequence is None or one is None or one.status is not EnrolmentStatus.ACTIVE:
            return True
        if sequence.replied is WhenReplied.STOP:
            self._end(one, REPLIED)
        elif sequence.replied is WhenReplied.PAUSE and gives_way_to_a_reply(
            self.paused_until, self.paused_by, act.at
        ):
            self._pause(UNTIL_RESUMED, PausedBy.REPLY, act.at)
        return True

    def _pause(self, until: datetime, by: PausedBy, now: datetime) -> None:
        self.paused_until, self.paused_by = until, by
        for one in list(self._active()):
            self.put(replace(one, look_at=now))

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

    def _stop(self, decided: preferences.Stopped | None, now: datetime) -> bool:
        if decided is None:
            return False
        unsubscribed = SuppressionReason.UNSUBSCRIBED
        self.suppressions[unsubscribed] = Suppression(unsubscribed, now)
        self._withdrawn_by_stop = frozenset(change.scope for change in decided.withdrawn)
        self._record(decided.withdrawn)
        for one in list(self.enrolments.values()):
            ending = ending_once(one.ending, decided.reason)
            if ending != one.ending:
                self._end(one, ending)
        return True

    def _prefer(self, act: Act) -> bool:
        """Save the preference page, with one thing on it changed."""
        present, now = self._subscription(), act.at
        box = act.deed in (Deed.AGREES, Deed.WITHDRAWS)
        boxes = {Scope(Purpose(act.about)): act.deed is Deed.AGREES} if box else {}
        decided = preferences.prefer(
            present, _WISHES.get(act.deed) or preferences.wish_of(present, now), boxes, now
        )
        self._awaited.clear()
        self._record(decided.boxes)
        self._stop(decided.stopped, now)
        if decided.wanted:
            self._want(decided.wanted)
        if decided.often:
            frequency, self.paused_until, self.paused_by = decided.often
            self._know(frequency=frequency)
            for one in list(self._active()):
                self.put(replace(one, look_at=now))
        return True

    def _subscription(self) -> preferences.Subscription:
        return preferences.Subscription(
            self.facts.consents,
            tuple(self.suppressions.values()),
            self.facts.frequency,
            self.paused_until,
            self.paused_by,
            self._withdrawn_by_stop,
            may_as_client=self.person.may_as_client,
        )

    def _want(self, wanted: preferences.Wanted) -> None:
        """Resume the emails that an unsubscription or a lapsed consent had stopped."""
        if wanted.came_back:
            self.suppressions.pop(SuppressionReason.UNSUBSCRIBED, None)
            self._record(wanted.came_back.granted)
        self._record(wanted.agreed)
        if wanted.came_back or wanted.agreed:
            for one in list(self.enrolments.values()):
                if one.status is EnrolmentStatus.UNSUBSCRIBED:
                    self.put(_under_way(one, one.look_at))

    def _lift_bounce(self, now: datetime) -> None:
        """Lift the bounce, and continue what it ended unless another suppression is in force.

        The guide has arrived, so the address works.
        """
        self.guide_on_trial = ""
        self.suppressions.pop(SuppressionReason.BOUNCED, None)
        left = strongest(self.suppressions)
        for one in list(self.enrolments.values()):
            if left and one.ending.is_left:
                self._end(one, ending_by(left))
            elif not left and goes_on(one.ending, self.world.sequences.get(one.sequence)):
                self.put(_under_way(one, now))

    def _end(self, one: UnderWay, ending: Ending) -> None:
        self.put(ended(one, ending))

    def _active(self) -> Iterator[UnderWay]:
        return (o for o in self.enrolments.values() if o.status is EnrolmentStatus.ACTIVE)

    def _know(self, **more: object) -> None:
        self.facts = replace(self.facts, **more)  # type: ignore[arg-type]

    def _record(self, changes: Iterable[ConsentChange]) -> None:
        """Apply these changes to the consents and to what was last refused."""
        for change in changes:
            self._awaited.pop(change.purpose, None)
            if change.granted:
                self._refused -= {change.scope}
            elif change.scope in self.facts.consents:
                self._refused |= {change.scope}
            self._know(consents=self.facts.consents.after([change]))

    def _note(
        self, kind: EventKind, at: datetime, email: str = "", topics: frozenset[str] = frozenset()
    ) -> None:
        about = topics or self.world.topics.get(email, frozenset())
        happened = Happened(kind, at, Verdict.HUMAN, email, topics=about)
        self._know(events=(*self.facts.events, happened))


def _earlier(one: UnderWay) -> Earlier:
    return Earlier(one.ending, one.progress, one.guide_wanted_at or one.progress.enrolled_at)


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


def _under_way(one: UnderWay, look_at: datetime | None) -> UnderWay:
    return replace(one, status=EnrolmentStatus.ACTIVE, because=None, look_at=look_at)


def _known_at(event: Happened) -> datetime:
    held = event.kind in (EventKind.OPENED, EventKind.CLICKED)
    return event.at + HOLD if held else event.at
