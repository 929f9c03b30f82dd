"""Sequences as values: who is emailed, when, and in which order."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum

from nurture.domain.errors import NurtureError
from nurture.domain.rights.mailing import Mailing
from nurture.domain.subscribers.consent import Purpose, Scope, scope_of

#: How long an uncollected guide waits before the person is dropped.
UNCOLLECTED_FOR = timedelta(days=30)


class StepKind(StrEnum):
    """What a step is for; `RULES` says everything that follows from it."""

    GUIDE = "guide"
    REMINDER = "reminder"
    ARTICLE = "article"
    INVITATION = "invitation"
    ANSWER = "answer"
    QUESTION = "question"

    @property
    def rules(self) -> "Rules":
        """The rules for every step of this kind."""
        return RULES[self]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for the steps of one kind; the defaults are those of an article."""

    #: Its name in the studio, and in the menu of new emails (empty: it is not offered there).
    title: str
    choice: str = ""
    #: The consent it needs; None if the request that it answers is enough.
    consent: Purpose | None = Purpose.SERIES
    #: What it is in the table of the right to write.
    mailing: Mailing = Mailing.SERIES
    #: The setting of a sequence that needs exactly one such step, as its first.
    begins: str = ""
    #: When it is sent, in words, if that is immediately: regardless of hours, pause and cap, each
    #: time someone asks for it.
    at_once: str = ""
    #: Whether only people who have not collected their guide get it.
    reminds: bool = False
    #: Whether it must lead to the page on which the person confirms something.
    asks: bool = False


#: The one table of step kinds.
RULES = {
    StepKind.GUIDE: Rules(
        "Guide",
        consent=Purpose.GUIDE,
        mailing=Mailing.GUIDE,
        begins="form",
        at_once="At once, whenever somebody asks for the guide",
    ),
    StepKind.REMINDER: Rules(
        "Reminder", consent=Purpose.GUIDE, mailing=Mailing.REMINDER, reminds=True
    ),
    StepKind.ARTICLE: Rules("Article", choice="An article"),
    StepKind.INVITATION: Rules("Invitation", "An invitation to book", mailing=Mailing.INVITATION),
    # Answers what someone asked for on their own page.
    StepKind.ANSWER: Rules(
        "Answer",
        consent=None,
        mailing=Mailing.OWN_DATA,
        begins="answers",
        at_once="At once, whenever somebody asks for it",
        asks=True,
    ),
    # Asks someone who has been quiet whether they still want the emails.
    StepKind.QUESTION: Rules("Question", mailing=Mailing.STILL_THERE, begins="quiet", asks=True),
}

#: These are sent to people who asked for them, immediately and as often as they ask.
ANSWERS = frozenset(kind for kind in StepKind if kind.rules.at_once)

#: These may recur within one enrolment, each time as an occasion of its own.
RECURRING = frozenset(kind for kind in StepKind if kind.rules.begins)

#: The series that people agreed to.
SERIES = frozenset(kind for kind in StepKind if kind.rules.consent is Purpose.SERIES) - RECURRING


def kind_of_single(*, invites: bool) -> StepKind:
    """Return the kind of an email that is sent once and stands in no series."""
    return StepKind.INVITATION if invites else StepKind.ARTICLE


class OptIn(StrEnum):
    """How an address is confirmed: by collecting the guide, or by the website vouching for it."""

    COLLECT = "collect"
    CONFIRMED = "confirmed"


class Request(StrEnum):
    """What subscribers can ask for on their preference page, confirmed by an email."""

    DATA = "data"
    ERASURE = "erasure"


class WhenReplied(StrEnum):
    """What happens to a person's series once they have replied to one of its emails."""

    GO_ON = "go on"
    PAUSE = "pause"
    STOP = "stop"


class Late(StrEnum):
    """What happens to a step that is overdue by more than its `max_late`."""

    SEND = "send"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait counted in days on the subscriber's wall clock, and then in elapsed time.

    Two days after Saturday 08:30 is Monday 08:30, even if the clocks change in between; thirty-six
    hours are thirty-six hours.
    """

    days: int = 0
    elapsed: timedelta = timedelta(0)


ANY_DAY = frozenset(range(7))
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class SendDays:
    """The days on which a step may be sent: weekdays (Monday is 0), with or without holidays."""

    weekdays: frozenset[int] = ANY_DAY
    holidays: bool = True


EVERY_DAY = SendDays()
WORKING_DAYS = SendDays(frozenset(range(5)), holidays=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One email of a sequence and its timing; `email` is its key.

    `only_if` and `skip_if` name segments, which are checked at the moment the step would be sent.
    `stream` is what people must have agreed to, if that is not the series. `excuses` says that the
    time for which we ourselves held it back does not make it late; that of a broadcast does.
    """

    email: str
    kind: StepKind = StepKind.ARTICLE
    wait: Wait = Wait()
    at: time | None = None
    on: SendDays = EVERY_DAY
    late: Late = Late.SEND
    max_late: timedelta = timedelta(days=3)
    only_if: str = ""
    skip_if: str = ""
    stream: Purpose | None = None
    excuses: bool = True

    @property
    def segments(self) -> frozenset[str]:
        """The segments that decide whether a person receives this step."""
        return frozenset(filter(None, (self.only_if, self.skip_if)))


@dataclass(frozen=True, slots=True)
class Form:
    """The website form that leads into a sequence, with the wording that the visitor saw."""

    key: str
    wording: str
    grants: tuple[Purpose, ...]
    opt_in: OptIn = OptIn.COLLECT


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where people who finish a sequence go next, if they are in a segment (empty: always)."""

    sequence: str
    only_if: str = ""


@dataclass(frozen=True, slots=True)
class Quiet:
    """The rule for silence: ask anyone silent for `after`, and wait `patience` for an answer.

    If they do not reply, stop emailing them.
    """

    after: timedelta
    patience: timedelta


@dataclass(frozen=True, slots=True)
class Sequence:
    """A published sequence.

    People enter it through its form, because they were `quiet`, because they asked for what it
    `answers`, or, if it has none of these, by being handed over from another sequence.
    """

    key: str
    title: str
    steps: tuple[Step, ...]
    form: Form | None = None
    goal: str = "booked"
    guide_title: str = ""
    guide_file: str = "guide.pdf"
    then: tuple[Continuation, ...] = ()
    quiet: Quiet | None = None
    answers: Request | None = None
    replied: WhenReplied = WhenReplied.GO_ON
    #: The number of the broadcast that this is, if it is one.
    broadcast: int | None = None

    @property
    def has_guide(self) -> bool:
        """Whether there is a PDF guide to hand out."""
        return any(step.kind is StepKind.GUIDE for step in self.steps)

    @property
    def segments(self) -> frozenset[str]:
        """Every segment that can affect a person's path through this sequence."""
        conditions = [step.segments for step in self.steps]
        return frozenset().union(*conditions, (h.only_if for h in self.then if h.only_if))

    @property
    def skips_late(self) -> bool:
        """Whether any of its steps is skipped if it is too late."""
        return any(step.late is Late.SKIP for step in self.steps)

    def scope(self, step: Step, covered_by: str = "") -> Scope | None:
        """Return what people must have agreed to for this step; `None` if to nothing.

        `covered_by` is the form whose wording covers a sequence without a form of its own.
        """
        purpose = step.stream or step.kind.rules.consent
        return scope_of(purpose, self.covers_next(covered_by)) if purpose else None

    def covers_next(self, covered_by: str) -> str:
        """Return the form whose wording also covers the sequence that people go on to."""
        return self.form.key if self.form else covered_by

    def next_sequence(self, segments: Collection[str]) -> str:
        """Return the next sequence for people in these segments, or an empty string."""
        return next((h.sequence for h in self.then if h.only_if in ("", *segments)), "")

    def step(self, email: str) -> Step:
        """Return the step with that email; raise `KeyError` if there is none."""
        return next((s for s in self.steps if s.email == email), None) or _missing(email)


def _missing(email: str) -> Step:
    raise KeyError(email)


class SequenceError(NurtureError):
    """An impossible statement in a sequence file."""


_UNITS = {"minute": 60, "hour": 3600}

#: A wait of more than 9,999 of anything is a typing error.
_DIGITS = 4


#: As long as most file systems allow, leaving room for a suffix.
_LONGEST_NAME = 100


def is_plain_name(name: str) -> bool:
    """Return whether this can be a file name that stays inside its own folder."""
    stays = not name.startswith(".") and not {"/", "\\", ":"} & set(name)
    return stays and name.isprintable() and 0 < len(name) <= _LONGEST_NAME


def is_guide_name(name: str) -> bool:
    """Return whether this can be the name of a guide stored beside its emails."""
    return is_plain_name(name) and name.lower().endswith(".pdf")


def parse_wait(text: str) -> Wait:
    """Read `2 days`, `1 week`, `36 hours` or `90 minutes`, or raise `SequenceError`."""
    number, _, unit = text.strip().partition(" ")
    unit = unit.strip().removesuffix("s")
    known = number.isascii() and number.isdigit() and unit in {*_UNITS, "day", "week"}
    if not known or len(number) > _DIGITS:
        raise SequenceError(
            f"“{text}” is not a length of time.", remedy="Write it like “2 days” or “36 hours”."
        )
    if unit in _UNITS:
        return Wait(elapsed=timedelta(seconds=int(number) * _UNITS[unit]))
    return Wait(days=int(number) * (7 if unit == "week" else 1))


def parse_length(text: str) -> timedelta:
    """Read a length such as `3 days` as elapsed time, or raise `SequenceError`."""
    wait = parse_wait(text)
    return timedelta(days=wait.days) + wait.elapsed


def parse_time_of_day(text: str) -> time:
    """Read `08:30`, or raise `SequenceError`."""
    try:
        read = time.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is not None:
        raise SequenceError(f"“{text}” is not a time of day.", remedy="Write it like “08:30”.")
    return read


def parse_days(said: str | list[str]) -> SendDays:
    """Read `any day`, `working days` or a list of weekdays, or raise `SequenceError`."""
    if said == "any day":
        return EVERY_DAY
    if said == "working days":
        return WORKING_DAYS
    names = [said] if isinstance(said, str) else said
    unknown = [name for name in names if name.lower() not in WEEKDAYS]
    if unknown or not names:
        raise SequenceError(
            f"“{', '.join(unknown) or 'nothing'}” is not a day to send on.",
            remedy="Write “any day”, “working days” or a list such as [“tuesday”, “thursday”].",
        )
    return SendDays(frozenset(WEEKDAYS.index(name.lower()) for name in names))
