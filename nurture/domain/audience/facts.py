"""What is known of one person, as plain values that conditions are asked about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nurture.domain.scheduling.gate import Frequency
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.consent import Consents, Purpose
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict


@dataclass(frozen=True, slots=True)
class SignedUp:
    """One filled-in form; `utm` are the campaign parameters that came with it."""

    form: str
    at: datetime
    utm: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One enrolment: which sequence, how it stands, and the keys of the steps behind it."""

    sequence: str
    status: EnrolmentStatus
    passed: frozenset[str] = frozenset()
    collected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """One event. `email` is `sequence/step`; `topics` are those of the link or the email.

    A hit that is not judged yet has no verdict and counts for nothing.
    """

    kind: EventKind
    at: datetime
    verdict: Verdict | None = Verdict.HUMAN
    email: str = ""
    link: str = ""
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """One person, as far as segments, interests and engagement look at them."""

    created_at: datetime
    consents: Consents = field(default_factory=Consents)
    confirmed: bool = False
    first_name: str = ""
    time_zone: str = "Europe/London"
    frequency: Frequency = Frequency.USUAL
    signups: tuple[SignedUp, ...] = ()
    enrolments: tuple[Enrolled, ...] = ()
    events: tuple[Happened, ...] = ()

    @property
    def may_infer_health(self) -> bool:
        """Whether this person agreed that their interest in health topics is looked at."""
        return Purpose.HEALTH_TOPICS in self.consents
