"""What is known about one person, as plain values that conditions are evaluated on."""

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
    """One submitted form; `utm` holds the UTM parameters that came with it."""

    form: str
    at: datetime
    utm: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One enrolment: its sequence, its status and the keys of the steps already passed."""

    sequence: str
    status: EnrolmentStatus
    passed: frozenset[str] = frozenset()
    collected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """One event.

    `email` is `sequence/step`; `topics` are those of the link or the email. A hit that has not been
    judged yet has no verdict and counts for nothing.
    """

    kind: EventKind
    at: datetime
    verdict: Verdict | None = Verdict.HUMAN
    email: str = ""
    link: str = ""
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """What segments, interests and engagement need to know about one person."""

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
        """Whether this person agreed to the use of their interest in health topics."""
        return Purpose.HEALTH_TOPICS in self.consents
