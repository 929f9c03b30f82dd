"""One person's series and broadcasts, which compete for the cap, played forward together."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from nurture.domain.broadcasts.broadcast import NOW, Broadcast, SendTime, When
from nurture.domain.reasons import Code
from nurture.domain.scheduling.decision import Decision, End, Look, SendNow, decide, progress_after
from nurture.domain.scheduling.gate import Caps, Frequency, FrequencyCap, Standing
from nurture.domain.scheduling.planner import Calendar
from nurture.domain.scheduling.precedence import MOVED_OFTEN
from nurture.domain.sequences.enrolment import Progress
from nurture.domain.sequences.sequence import Sequence, StepKind
from nurture.domain.subscribers.consent import Purpose
from tests.domain.playing import CALENDAR, WILLING, times_of_day


class Arrival(NamedTuple):
    """One email that was sent: when, and of which sequence and step."""

    at: datetime
    sequence: str
    step: str


@dataclass
class Reader:
    """A person whose emails are decided one after another, whenever a decision asks for it.

    Of what is due at the same moment, what was added first is decided first. `most_moved` is how
    often any email of a series was put off before it was sent.
    """

    calendar: Calendar = CALENDAR
    frequency: Frequency = Frequency.USUAL
    sequences: dict[str, Sequence] = field(default_factory=dict)
    progress: dict[str, Progress] = field(default_factory=dict)
    looks: dict[str, datetime] = field(default_factory=dict)
    sent: list[Arrival] = field(default_factory=list)
    ended: dict[str, End] = field(default_factory=dict)
    waited_for: list[Look] = field(default_factory=list)
    most_moved: int = 0

    def enrol(self, sequence: Sequence, progress: Progress) -> None:
        """Have a sequence or a broadcast looked at from the moment its first wait counts from."""
        self.sequences[sequence.key], self.progress[sequence.key] = sequence, progress
        self.looks[sequence.key] = progress.anchor_at

    def expect(self, broadcast: Broadcast, due_at: datetime) -> None:
        """Enrol them in a broadcast that is due at that moment."""
        self.enrol(broadcast.as_sequence(), read_from(due_at))

    def run(self) -> "Reader":
        """Play until everything has ended; what never ends fails the test."""
        for _ in range(1000):
            if not self.looks:
                return self
            self.look(min(self.looks.values()))
        raise AssertionError("no end in sight")

    def look(self, now: datetime) -> None:
        """Do what is due now."""
        first_at = self._series_first_at()
        for key in sorted((k for k, at in self.looks.items() if at <= now), key=self.looks.get):  # type: ignore[arg-type]
            standing = Standing(
                WILLING,
                mailed_at=[one.at for one in self.sent if one.step != StepKind.GUIDE],
                frequency=self.frequency,
                series_first_at=first_at,
            )
            found = decide(self.sequences[key], self.progress[key], standing, now, self.calendar)
            self._follow(key, found, now)

    def emails_of(self, sequence: str) -> list[str]:
        """Return the emails of that sequence that arrived, in order."""
        return [one.step for one in self.sent if one.sequence == sequence]

    def _series_first_at(self) -> datetime | None:
        series = (key for key, one in self.sequences.items() if one.broadcast is None)
        moved = (key for key in series if self.progress[key].moved >= MOVED_OFTEN)
        return min((self.looks[key] for key in moved if key in self.looks), default=None)

    def _follow(self, key: str, decision: Decision, now: datetime) -> None:
        match decision:
            case SendNow(step=step):
                self.sent.append(Arrival(now, key, step.email))
                self.progress[key], self.looks[key] = progress_after(decision, now), now
            case Look(at=at, progress=progress):
                assert at > now
                self.progress[key], self.looks[key] = progress, at
                self.most_moved = max(self.most_moved, progress.moved)
                self.waited_for += [decision] if decision.why.code == Code.SERIES_GOES_FIRST else []
            case End():
                self.ended[key] = decision
                del self.looks[key]


def read_from(due_at: datetime) -> Progress:
    """Return the progress of someone who is due a broadcast at that moment."""
    return Progress(due_at, due_at, collected_at=due_at, guide_wanted=False)


def broadcast(
    number: int, timing: SendTime = NOW, late_after: timedelta | None = None
) -> Broadcast:
    """Return the broadcast with that number."""
    key = f"b{number}"
    return Broadcast(number, key, "News", Purpose.NEWS, timing=timing, late_after=late_after)


def in_order(sequence: Sequence) -> list[str]:
    """Return the emails of a sequence as they are written."""
    return [step.email for step in sequence.steps]


_clocks = st.builds(lambda hour: SendTime(When.READERS, hour=hour), times_of_day)
broadcasts = st.builds(
    broadcast,
    st.integers(1, 99),
    st.just(NOW) | _clocks,
    st.none() | st.integers(0, 20 * 24).map(lambda hours: timedelta(hours=hours)),
)
#: Each with the hours after which it is due.
programmes = st.lists(
    st.tuples(broadcasts, st.integers(0, 40 * 24)), max_size=12, unique_by=lambda one: one[0].id
)
_one_cap = st.builds(
    lambda mails, hours: FrequencyCap(mails, timedelta(hours=hours)),
    st.sampled_from((1, 1, 1, 2, 3)),
    st.integers(1, 14 * 24),
)
caps = st.builds(Caps, _one_cap, _one_cap)


@st.composite
def calendars(draw: st.DrawFn, of: st.SearchStrategy[Calendar]) -> Calendar:
    """Draw calendars with any caps."""
    drawn = draw(of)
    return replace(drawn, caps=draw(caps))
