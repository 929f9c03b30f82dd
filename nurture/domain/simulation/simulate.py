"""Simulating people on a virtual clock, with the planner and gate used in production."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from nurture.domain.account.queue import AccountQueue
from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.allowance import UNLIMITED
from nurture.domain.scheduling.decision import (
    Decision,
    End,
    Look,
    SendNow,
    decide,
    next_look,
    progress_after,
)
from nurture.domain.scheduling.gate import UNTIL_RESUMED
from nurture.domain.scheduling.planner import Skip, due_at
from nurture.domain.scheduling.timing import timing
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import ANSWERS, SERIES, Sequence, StepKind
from nurture.domain.simulation.life import Life, ended
from nurture.domain.simulation.person import Act, Deed, Person, UnderWay
from nurture.domain.simulation.world import SimulatedEvent, What, World

_ENDED_BY_DEEDS = {
    Deed.BOOKS: Reason(Code.GOAL_REACHED),
    Deed.UNSUBSCRIBES: Reason(EndReason.UNSUBSCRIBED),
    Deed.REPLIES: Reason(Code.THEY_REPLIED),
}


def simulate(
    world: World, person: Person, start: datetime, life: Life | None = None
) -> Iterator[SimulatedEvent]:
    """Yield what happens to a person from `start` on, in order, until nothing more will.

    What they have already received is not reported again. Emails are sent the moment they may be:
    the mail server is available, and workers are punctual; if the account has limits, whatever is
    due before them goes first. Pass a `life` of that person to see their state at the end.
    """
    queue = AccountQueue(world.account) if world.account else None
    return _Play(world, life or Life(world, person), start, queue).run()


@dataclass
class _Play:
    """The simulation of one person."""

    world: World
    life: Life
    now: datetime
    queue: AccountQueue | None = None
    _acts: list[tuple[datetime, int, Act]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def run(self) -> Iterator[SimulatedEvent]:
        for act in self.life.person.acts:
            self._will(act)
        while (at := self._next()) is not None:
            self.now = max(self.now, at)
            while self._acts and self._acts[0][0] <= self.now:
                yield from self._do(heapq.heappop(self._acts)[2])
            yield from self._look()

    def _will(self, act: Act) -> None:
        heapq.heappush(self._acts, (act.at, next(self._numbers), act))

    def _next(self) -> datetime | None:
        moments = [self._acts[0][0]] if self._acts else []
        look = self.life.next_look()
        return min([*moments, look] if look else moments, default=None)

    # --- What the person does ----------------------------------------------------------------

    def _do(self, act: Act) -> Iterator[SimulatedEvent]:
        before = dict(self.life.enrolments)
        if not self.life.do(replace(act, at=self.now)):
            return
        yield _told(replace(act, at=self.now))
        for key, one in self.life.enrolments.items():
            was_active = key in before and before[key].status is EnrolmentStatus.ACTIVE
            if was_active and one.status is not EnrolmentStatus.ACTIVE:
                why = _ENDED_BY_DEEDS.get(act.deed)
                yield SimulatedEvent(
                    self.now, What.ENDED, key, kind=one.status, why=why, because=one.because
                )

    def _react(self, sequence: str, step: str, kind: StepKind) -> None:
        """Schedule what the person's habits lead to when an email has just arrived."""
        habits, email = self.life.person.habits, f"{sequence}/{step}"
        read_at = self.now + habits.reads_after
        if habits.opens:
            self._will(Act(read_at, Deed.OPENS, email))
        if habits.clicks and kind in SERIES:
            self._will(Act(read_at + timedelta(minutes=1), Deed.CLICKS, email))
        wants_guide = kind is StepKind.GUIDE and habits.collects_after is not None
        if wants_guide and self.life.enrolments[sequence].progress.collected_at is None:
            collects_at = self.now + (habits.collects_after or timedelta(0))
            self._will(Act(collects_at, Deed.COLLECTS, sequence))

    # --- What a worker does ------------------------------------------------------------------

    def _look(self) -> Iterator[SimulatedEvent]:
        """Deal with everything that is due, given the state when this look began."""
        due = self.life.due(self.now)
        segments = self.life.segments(self.now) if self._ask(due) else frozenset()
        allowance = self.queue.allowance_at(self.now) if self.queue and due else UNLIMITED
        first_at = self.life.series_first_at()
        for one in due:
            sequence = self.world.sequences.get(one.sequence)
            if sequence is None:
                self.life.put(replace(one, look_at=None))
                why = Reason(Code.NOT_PUBLISHED)
                yield SimulatedEvent(self.now, What.HELD, one.sequence, why=why)
                continue
            decision = decide(
                sequence,
                one.progress,
                self.life.standing(one.sequence, first_at),
                self.now,
                self.world.calendar,
                segments,
                sequence_paused=one.sequence in self.world.paused,
                allowance=allowance,
            )
            yield from (self._skipped(one, skip) for skip in decision.skipped)
            yield from self._follow(sequence, one, decision)

    def _ask(self, due: list[UnderWay]) -> bool:
        sequences = [self.world.sequences.get(one.sequence) for one in due]
        return any(sequence and sequence.segments for sequence in sequences)

    def _skipped(self, one: UnderWay, skip: Skip) -> SimulatedEvent:
        step = skip.step
        return SimulatedEvent(self.now, What.SKIPPED, one.sequence, step.email, step.kind, skip.why)

    def _follow(
        self, sequence: Sequence, one: UnderWay, decision: Decision
    ) -> Iterator[SimulatedEvent]:
        match decision:
            case SendNow():
                yield self._sent(sequence, one, decision)
            case Look():
                yield from self._looks_later(one, decision)
            case End():
                yield from self._ended(one, decision)

    def _sent(self, sequence: Sequence, one: UnderWay, send: SendNow) -> SimulatedEvent:
        step, calendar = send.step, self.world.calendar
        after = progress_after(send, self.now)
        look_at = next_look(sequence, after, self.now, calendar)
        self.life.put(replace(one, progress=after, look_at=look_at))
        self.life.had.add(f"{one.sequence}/{step.email}")
        why = None
        if step.kind not in ANSWERS:
            self.life.mailed_at.append(self.now)
            why = timing(step, send.progress, calendar)
        self._react(one.sequence, step.email, step.kind)
        return SimulatedEvent(self.now, What.SENT, one.sequence, step.email, step.kind, timing=why)

    def _looks_later(self, one: UnderWay, look: Look) -> Iterator[SimulatedEvent]:
        self.life.put(replace(one, progress=look.progress, look_at=look.at))
        if look.step is None:
            yield SimulatedEvent(self.now, What.WAITING, one.sequence, why=look.why, until=look.at)
        elif look.at == UNTIL_RESUMED:
            step = look.step
            yield SimulatedEvent(self.now, What.HELD, one.sequence, step.email, step.kind, look.why)
        elif due_at(look.step, look.progress, self.world.calendar) <= self.now:
            step = look.step
            yield SimulatedEvent(
                self.now, What.POSTPONED, one.sequence, step.email, step.kind, look.why, look.at
            )

    def _ended(self, one: UnderWay, end: End) -> Iterator[SimulatedEvent]:
        self.life.put(ended(one, Ending(end.reason, end.because)))
        yield SimulatedEvent(
            self.now, What.ENDED, one.sequence, kind=end.reason, why=end.why, because=end.because
        )
        covered_by = self.world.sequences[one.sequence].covers_next(one.progress.covered_by)
        if end.then and self.life.hand_over(end.then, self.now, covered_by):
            after = Reason(Code.AFTER_SEQUENCE, sequence=one.sequence)
            yield SimulatedEvent(self.now, What.HANDED_OVER, end.then, why=after)


def _told(act: Act) -> SimulatedEvent:
    sequence, _, step = act.about.rpartition("/")
    match act.deed:
        case Deed.AGREES | Deed.WITHDRAWS | Deed.SIGNS_UP:
            return SimulatedEvent(act.at, What.DID, kind=act.deed, about=act.about)
        case Deed.COLLECTS:
            return SimulatedEvent(act.at, What.DID, act.about, kind=act.deed)
    return SimulatedEvent(act.at, What.DID, sequence, step, act.deed)
