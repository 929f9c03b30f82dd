"""A person to be simulated: their current state, what they will do, and their habits."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.audience.facts import Facts
from nurture.domain.scheduling.gate import PausedBy
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import Sequence
from nurture.domain.subscribers.consent import Consents, Purpose
from nurture.domain.subscribers.suppression import Suppression, SuppressionReason, strongest


class Deed(StrEnum):
    """What a person can do on the website, in an email or on their own page."""

    SIGNS_UP = "signs up"
    COLLECTS = "collects"
    OPENS = "opens"
    CLICKS = "clicks"
    REPLIES = "replies"
    BOOKS = "books"
    CANCELS = "cancels"
    UNSUBSCRIBES = "unsubscribes"
    PAUSES = "pauses"
    WANTS_FEWER = "wants fewer"
    WANTS_THE_USUAL = "wants the usual"
    AGREES = "agrees"
    WITHDRAWS = "withdraws"


@dataclass(frozen=True, slots=True)
class Act:
    """One deed at a given moment.

    `about` is the form they sign up through, the sequence whose guide they collect, the email
    (`sequence/step`) they open, click in or reply to, or the purpose they agree to; `topics` are
    those of the link they follow, if they differ from the email's.
    """

    at: datetime
    deed: Deed
    about: str = ""
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Habits:
    """What a person does with every email: nothing, unless set here.

    `collects_after` counts from the email that brings a guide; `None` means never. Emails are
    opened, and links to articles followed, `reads_after` they arrive.
    """

    collects_after: timedelta | None = None
    opens: bool = False
    clicks: bool = False
    reads_after: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One enrolment in its current state, and when it is next looked at, if at all."""

    sequence: str
    progress: Progress
    look_at: datetime | None
    status: EnrolmentStatus = EnrolmentStatus.ACTIVE
    guide_wanted_at: datetime | None = None
    because: EndReason | None = None

    @property
    def ending(self) -> Ending:
        """Its status and, if it has ended, the reason."""
        return Ending(self.status, self.because)


@dataclass(frozen=True, slots=True)
class Person:
    """A person at the moment from which they are simulated.

    `ticked` are the boxes they tick beside the form. `facts.enrolments` is ignored: `enrolments`
    says it in more detail. `mailed_at` lists recent emails of the series. The guide of the sequence
    `guide_on_trial` may be sent to them although their address has bounced. The next three are
    as in `gate.Standing`; the last says that they did not come through a form.
    """

    name: str
    facts: Facts
    acts: tuple[Act, ...] = ()
    habits: Habits = field(default_factory=Habits)
    ticked: tuple[Purpose, ...] = ()
    enrolments: tuple[UnderWay, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    paused_until: datetime | None = None
    paused_by: PausedBy = PausedBy.PERSON
    mailed_at: tuple[datetime, ...] = ()
    guide_on_trial: str = ""
    is_unknown: bool = False
    is_client: bool = False
    may_as_client: bool = False
    awaits_no_confirmation: bool = False

    @property
    def suppressed(self) -> SuppressionReason | None:
        """The strongest reason why they are not emailed, if there is one."""
        return strongest(one.reason for one in self.suppressions)

    def coming_into(self, sequence: Sequence, now: datetime) -> "Person":
        """Return this person, entering a sequence now unless they have already been in it."""
        if any(one.sequence == sequence.key for one in self.enrolments):
            return self
        if sequence.form:
            return replace(self, acts=(Act(now, Deed.SIGNS_UP, sequence.form.key), *self.acts))
        here = come_over(sequence.key, now, self.facts.time_zone)
        asks = replace(here.progress, guide_wanted=sequence.answers is not None)
        return replace(self, enrolments=(*self.enrolments, replace(here, progress=asks)))


def newcomer(
    name: str,
    at: datetime,
    sequence: Sequence,
    *,
    time_zone: str = "Europe/London",
    ticked: tuple[Purpose, ...] = (),
    habits: Habits | None = None,
    acts: tuple[Act, ...] = (),
) -> Person:
    """Return a person who enters a sequence at that moment, through its own entrance."""
    habits = habits or Habits(collects_after=timedelta(0))
    facts = Facts(created_at=at, time_zone=time_zone)
    if sequence.form is None:
        agreed = frozenset({Purpose.GUIDE, Purpose.SERIES, *ticked})
        facts = replace(facts, consents=Consents(agreed), confirmed=True)
    return Person(name, facts, acts, habits, ticked).coming_into(sequence, at)


def come_over(sequence: str, now: datetime, time_zone: str, covered_by: str = "") -> UnderWay:
    """Return an enrolment without a signup: handed over, or asked after a silence."""
    progress = Progress(
        now, now, collected_at=now, guide_wanted=False, time_zone=time_zone, covered_by=covered_by
    )
    return UnderWay(sequence, progress, now, guide_wanted_at=now)
