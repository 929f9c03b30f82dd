"""The setting and the output of a simulation: the practice's world, and entries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from nurture.domain.account.queue import AccountLoad
from nurture.domain.audience.conditions import Segments
from nurture.domain.reasons import Reason
from nurture.domain.scheduling.planner import Calendar
from nurture.domain.scheduling.timing import Timing
from nurture.domain.sequences.enrolment import EndReason
from nurture.domain.sequences.sequence import Sequence


@dataclass(frozen=True, slots=True)
class World:
    """The practice as it is or might be: what is published and what is paused.

    `topics` are those of the emails, by `sequence/step`; `time_zone` is the practice's own.
    `account` is what the mail account has sent and what waits for it, if it has limits.
    """

    sequences: Mapping[str, Sequence]
    calendar: Calendar
    segments: Segments = field(default_factory=Segments)
    topics: Mapping[str, frozenset[str]] = field(default_factory=dict)
    paused: frozenset[str] = frozenset()
    time_zone: str = "Europe/London"
    account: AccountLoad | None = None

    def of_form(self, form: str) -> Sequence | None:
        """Return the sequence that a website form leads into."""
        return next((s for s in self.sequences.values() if s.form and s.form.key == form), None)


class What(StrEnum):
    """What an entry reports: `did` is the person's own action, and the rest is ours."""

    DID = "did"
    SENT = "sent"
    SKIPPED = "skipped"
    POSTPONED = "postponed"
    WAITING = "waiting"
    HELD = "held"
    HANDED_OVER = "handed over"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """Something that happens at a moment, in UTC.

    `step` is the email's key. `kind` is the kind of a step, the status an enrolment ends with, or
    what the person did; `about` says through which form they did it, or for which purpose. `why`
    says why something was skipped, postponed or ended. `until` is when a postponed step is looked
    at again. `because` gives the reason for an end more precisely than its status.
    """

    at: datetime
    what: What
    sequence: str = ""
    step: str = ""
    kind: str = ""
    why: Reason | None = None
    until: datetime | None = None
    timing: Timing | None = None
    because: EndReason | None = None
    about: str = ""
