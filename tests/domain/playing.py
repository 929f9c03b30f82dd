"""Random sequences, and playing them forward independently of the simulation."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from nurture.bank_holidays import bank_holidays
from nurture.domain.scheduling.decision import Look, SendNow, decide, progress_after
from nurture.domain.scheduling.gate import Caps, Frequency, Standing, one_in
from nurture.domain.scheduling.hours import ClosedDays, DaysOff, Nation, Rhythm
from nurture.domain.scheduling.planner import Calendar
from nurture.domain.scheduling.window import SendWindow
from nurture.domain.sequences.enrolment import EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import (
    EVERY_DAY,
    WORKING_DAYS,
    Form,
    Late,
    OptIn,
    SendDays,
    Sequence,
    Step,
    StepKind,
    Wait,
)
from nurture.domain.subscribers.consent import Consents, Purpose

USUAL = SendWindow(time(8, 0), time(19, 0))
CALENDAR = Calendar(USUAL, bank_holidays())
WILLING = Consents(frozenset(Purpose))
GUIDE = Step("guide", StepKind.GUIDE)

#: Clocks that change by an hour or half of one, at night or at midnight, in either half of
#: the year; clocks that never change; quarter hours; both sides of the date line.
ZONES = (
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Chatham",
    "Pacific/Pago_Pago",
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Santiago",
    "America/St_Johns",
    "UTC",
)

zones = st.sampled_from(ZONES)

#: London's clock changes, the last of February in a leap year, and the turn of the year.
SPECIAL_DAYS = (
    datetime(2026, 3, 28, 23, tzinfo=UTC),
    datetime(2026, 10, 24, 23, tzinfo=UTC),
    datetime(2028, 2, 28, 9, tzinfo=UTC),
    datetime(2026, 12, 23, 18, tzinfo=UTC),
)
moments = st.one_of(
    st.datetimes(datetime(2025, 1, 1), datetime(2029, 12, 31), timezones=st.just(UTC)),
    st.builds(
        lambda day, minutes: day + timedelta(minutes=minutes),
        st.sampled_from(SPECIAL_DAYS),
        st.integers(0, 2880),
    ),
)
waits = st.one_of(
    st.builds(Wait, days=st.integers(0, 14)),
    st.builds(Wait, elapsed=st.integers(0, 72).map(lambda hours: timedelta(hours=hours))),
)
times_of_day = st.builds(time, st.integers(0, 23), st.sampled_from((0, 15, 30, 58)))
send_days = st.one_of(
    st.sampled_from((EVERY_DAY, WORKING_DAYS)),
    st.builds(SendDays, st.frozensets(st.integers(0, 6), min_size=1), st.booleans()),
)
caps_of = st.builds(
    lambda usual, more: Caps(one_in(usual), one_in(usual + more)),
    st.integers(1, 4),
    st.integers(0, 10),
)
closed_days = st.builds(
    lambda first, days: ClosedDays(first, first + timedelta(days=days)),
    st.dates(date(2025, 1, 1), date(2029, 12, 31)),
    st.integers(0, 20),
)

#: What an owner may set: hours, caps, whose bank holidays, days of one's own.
rhythms = st.builds(
    Rhythm,
    opens=st.builds(time, st.integers(4, 12), st.sampled_from((0, 30))),
    closes=st.builds(time, st.integers(14, 23), st.sampled_from((0, 45))),
    caps=caps_of,
    nation=st.sampled_from(Nation),
    closed=st.lists(closed_days, max_size=4).map(tuple),
)


def calendar_of(rhythm: Rhythm) -> Calendar:
    """Return the calendar the planner uses, from the owner's settings."""
    days_off = DaysOff(bank_holidays(rhythm.nation), rhythm.closed)
    return Calendar(rhythm.window, days_off, rhythm.caps)


calendars = st.just(CALENDAR) | rhythms.map(calendar_of)


def steps_of(
    kinds: st.SearchStrategy[StepKind], late: st.SearchStrategy[Late]
) -> st.SearchStrategy[Step]:
    """Draw steps with any timing; their keys still need to be made unique."""
    return st.builds(
        Step,
        email=st.just(""),
        kind=kinds,
        wait=waits,
        at=st.none() | times_of_day,
        on=send_days,
        late=late,
        max_late=st.integers(0, 96).map(lambda hours: timedelta(hours=hours)),
    )


@st.composite
def sequences(
    draw: st.DrawFn,
    opt_in: st.SearchStrategy[OptIn] = st.sampled_from(OptIn),  # noqa: B008
    late: st.SearchStrategy[Late] = st.sampled_from(Late),  # noqa: B008
) -> Sequence:
    """Draw sequences that publishing accepts: the guide first, perhaps one reminder, any series."""
    anywhere = [k for k in StepKind if not (k.rules.begins or k.rules.reminds)]
    steps = draw(st.lists(steps_of(st.sampled_from(anywhere), late), max_size=6))
    if draw(st.booleans()):
        reminder = draw(steps_of(st.just(StepKind.REMINDER), late))
        steps.insert(draw(st.integers(0, len(steps))), reminder)
    return sequence_of(
        GUIDE,
        *(replace(s, email=f"{s.kind}-{n}") for n, s in enumerate(steps)),
        opt_in=draw(opt_in),
    )


def sequence_of(*steps: Step, opt_in: OptIn = OptIn.CONFIRMED) -> Sequence:
    """Return a sequence of exactly these steps."""
    form = Form("form", "Send me the guide.", (Purpose.GUIDE, Purpose.SERIES), opt_in)
    return Sequence("series", "A series", steps, form)


@dataclass(frozen=True)
class Sent:
    """One email that was sent, and the reader's time zone at that moment."""

    at: datetime
    step: Step
    due_at: datetime
    before: Progress

    @property
    def wall(self) -> datetime:
        """The moment in the reader's time zone."""
        return self.at.astimezone(ZoneInfo(self.before.time_zone))


@dataclass
class Play:
    """One person's sequence, played forward by looking whenever the planner asks.

    `collects_at` is when the guide is collected, if ever; `extra_looks` are looks it did not ask
    for; between the two moments of `away` there are no looks at all.
    """

    sequence: Sequence
    progress: Progress
    collects_at: datetime | None = None
    extra_looks: Iterable[datetime] = ()
    away: tuple[datetime, datetime] | None = None
    frequency: Frequency = Frequency.USUAL
    calendar: Calendar = CALENDAR
    sent: list[Sent] = field(default_factory=list)
    ended: EnrolmentStatus | None = None

    def run(self, until: datetime | None = None) -> "Play":
        """Play to the end, or up to a moment; an endless sequence fails the test."""
        now = self._after_absence(self.progress.enrolled_at)
        for _ in range(400):
            look_at = self._look(now)
            if look_at is None or (until and look_at >= until):
                return self
            now = self._after_absence(look_at)
        raise AssertionError(f"no end in sight at {now}")

    def _look(self, now: datetime) -> datetime | None:
        """Do what is due now, and return when to look again."""
        if self.collects_at and self.collects_at <= now and not self.progress.collected_at:
            self.progress = replace(self.progress, collected_at=self.collects_at)
        decision = decide(self.sequence, self.progress, self._standing(), now, self.calendar)
        if isinstance(decision, SendNow):
            self.sent.append(Sent(now, decision.step, decision.due_at, self.progress))
            self.progress = progress_after(decision, now)
            return now
        if isinstance(decision, Look):
            return self._wait(decision, now)
        self.ended = decision.reason
        return None

    def _wait(self, look: Look, now: datetime) -> datetime:
        """Return when to look again, which is never now or earlier."""
        assert look.at > now
        self.progress = look.progress
        return self._first_look_after(now, look.at)

    def _first_look_after(self, now: datetime, asked_for: datetime) -> datetime:
        happens = [self.collects_at] if self.collects_at else []
        return min([asked_for, *(at for at in (*happens, *self.extra_looks) if at > now)])

    def _after_absence(self, at: datetime) -> datetime:
        return self.away[1] if self.away and self.away[0] <= at < self.away[1] else at

    def _standing(self) -> Standing:
        mailed = [sent.at for sent in self.sent if sent.step.kind is not StepKind.GUIDE]
        return Standing(WILLING, mailed_at=mailed, frequency=self.frequency)

    @property
    def emails(self) -> list[str]:
        """Return the emails received, in order."""
        return [sent.step.email for sent in self.sent]

    @property
    def times(self) -> list[tuple[str, datetime]]:
        """Return the emails received, with their times."""
        return [(sent.step.email, sent.at) for sent in self.sent]


def newcomer(at: datetime, time_zone: str = "Europe/London") -> Progress:
    """Return a person who signs up at that moment."""
    return Progress(enrolled_at=at, anchor_at=at, time_zone=time_zone)


@st.composite
def plays(draw: st.DrawFn, whole: st.SearchStrategy[Sequence] = sequences()) -> Play:  # noqa: B008
    """Draw any person in any sequence, who collects the guide immediately, later, or never."""
    start = draw(moments)
    pause = draw(st.none() | st.integers(0, 35 * 24).map(lambda hours: timedelta(hours=hours)))
    collects_at = start + pause if pause is not None else None
    here, calendar = newcomer(start, draw(zones)), draw(calendars)
    return Play(draw(whole), here, collects_at, calendar=calendar)
