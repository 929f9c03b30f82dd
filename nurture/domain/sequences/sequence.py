"""Sequences as values: who, when, and in which order."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum

from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.consent import Purpose

#: How long an uncollected guide waits before the signup is let go.
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
        """What holds for every step of this kind."""
        return RULES[self]


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that holds for the steps of one kind; unless said, what holds for an article."""

    #: What the studio calls it, and calls it in the menu of new emails (empty: it is not offered).
    title: str
    choice: str = ""
    #: The consent it needs; None if the request that it answers is enough.
    consent: Purpose | None = Purpose.MARKETING
    #: The setting of a sequence that needs one such step, and only one, as its first.
    begins: str = ""
    #: When it goes, in words, if that is at once: outside hours, pause and cap, each time somebody
    #: asks for it.
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
        begins="form",
        at_once="At once, whenever somebody asks for the guide",
    ),
    StepKind.REMINDER: Rules("Reminder", consent=Purpose.GUIDE, reminds=True),
    StepKind.ARTICLE: Rules("Article", choice="An article"),
    StepKind.INVITATION: Rules("Invitation", choice="An invitation to book"),
    # Answers what somebody asked for on their own page.
    StepKind.ANSWER: Rules(
        "Answer",
        consent=None,
        begins="answers",
        at_once="At once, whenever somebody asks for it",
        asks=True,
    ),
    # Asks somebody who has been quiet whether they still want the emails.
    StepKind.QUESTION: Rules("Question", begins="quiet", asks=True),
}

#: These go to people who asked for them, at once and as often as they ask.
ANSWERS = frozenset(kind for kind in StepKind if kind.rules.at_once)

#: These may come round again in one enrolment, each time on an occasion of its own.
RECURRING = frozenset(kind for kind in StepKind if kind.rules.begins)

#: The series that people agreed to.
SERIES = frozenset(kind for kind in StepKind if kind.rules.consent is Purpose.MARKETING) - RECURRING


class OptIn(StrEnum):
    """`collect`: collecting the guide confirms the address. `confirmed`: the website vouches."""

    COLLECT = "collect"
    CONFIRMED = "confirmed"


class Request(StrEnum):
    """What somebody can ask for on their preference page, confirmed by a mail."""

    DATA = "data"
    ERASURE = "erasure"


class Late(StrEnum):
    """What becomes of a step that is overdue by more than its `max_late`."""

    SEND = "send"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait counted on the subscriber's wall clock in days, and then in elapsed time.

    Two days after Saturday 08:30 are Monday 08:30, also when the clocks change
    in between; thirty-six hours are thirty-six hours.
    """

    days: int = 0
    elapsed: timedelta = timedelta(0)


ANY_DAY = frozenset(range(7))
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class SendDays:
    """The days on which a step may be sent: weekdays by number (Monday is 0), holidays or not."""

    weekdays: frozenset[int] = ANY_DAY
    holidays: bool = True


EVERY_DAY = SendDays()
WORKING_DAYS = SendDays(frozenset(range(5)), holidays=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One email of a sequence and its timing; `email` is its key.

    `only_if` and `skip_if` name segments, asked at the moment the step would be sent.
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

    @property
    def segments(self) -> frozenset[str]:
        """The segments on which it depends whether somebody gets this."""
        return frozenset(filter(None, (self.only_if, self.skip_if)))


@dataclass(frozen=True, slots=True)
class Form:
    """The website's form that leads into a sequence, in the words the visitor saw."""

    key: str
    wording: str
    grants: tuple[Purpose, ...]
    opt_in: OptIn = OptIn.COLLECT


@dataclass(frozen=True, slots=True)
class HandOver:
    """Where somebody goes on who has come to the end, if they are in a segment (empty: anyway)."""

    sequence: str
    only_if: str = ""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Who has given no sign of life for `after` is asked; who does not answer is let be."""

    after: timedelta
    patience: timedelta


@dataclass(frozen=True, slots=True)
class Sequence:
    """A published sequence.

    People come in by its form, because they were `quiet`, because they asked for what it
    `answers`, or, where it has none of these, by being handed over from another sequence.
    """

    key: str
    title: str
    steps: tuple[Step, ...]
    form: Form | None = None
    goal: str = "booked"
    guide_title: str = ""
    guide_file: str = "guide.pdf"
    then: tuple[HandOver, ...] = ()
    quiet: Quiet | None = None
    answers: Request | None = None

    @property
    def has_guide(self) -> bool:
        """Whether there is a PDF to hand over."""
        return any(step.kind is StepKind.GUIDE for step in self.steps)

    @property
    def segments(self) -> frozenset[str]:
        """Every segment that somebody's way through this sequence depends on."""
        conditions = [step.segments for step in self.steps]
        return frozenset().union(*conditions, (h.only_if for h in self.then if h.only_if))

    def next_sequence(self, segments: Collection[str]) -> str:
        """Where somebody who is in these segments goes on at the end, or an empty string."""
        return next((h.sequence for h in self.then if h.only_if in ("", *segments)), "")

    def step(self, email: str) -> Step:
        """The step of that email; raises `KeyError` where there is none."""
        return next((s for s in self.steps if s.email == email), None) or _missing(email)


def _missing(email: str) -> Step:
    raise KeyError(email)


class SequenceError(NurtureError):
    """A sequence file says something that cannot be."""


_UNITS = {"minute": 60, "hour": 3600}

#: A wait of more than 9,999 of anything is a slip of the finger.
_DIGITS = 4


#: As long as most file systems allow with room for an ending.
_LONGEST_NAME = 100


def is_plain_name(name: str) -> bool:
    """Whether this can be the name of a file that lies in its own folder and nowhere else."""
    stays = not name.startswith(".") and not {"/", "\\", ":"} & set(name)
    return stays and name.isprintable() and 0 < len(name) <= _LONGEST_NAME


def is_guide_name(name: str) -> bool:
    """Whether this can be the name of a guide beside its emails."""
    return is_plain_name(name) and name.lower().endswith(".pdf")


def parse_wait(text: str) -> Wait:
    """Read `2 days`, `1 week`, `36 hours`, `90 minutes`; raises `SequenceError`."""
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
    """Read a length such as `3 days` as elapsed time; raises `SequenceError`."""
    wait = parse_wait(text)
    return timedelta(days=wait.days) + wait.elapsed


def parse_time_of_day(text: str) -> time:
    """Read `08:30`; raises `SequenceError`."""
    try:
        read = time.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is not None:
        raise SequenceError(f"“{text}” is not a time of day.", remedy="Write it like “08:30”.")
    return read


def parse_days(said: str | list[str]) -> SendDays:
    """Read `any day`, `working days` or a list of weekdays; raises `SequenceError`."""
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
