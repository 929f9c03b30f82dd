"""How far one subscriber is on the way through one sequence."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: One address gets a guide's mail at most once in this time, however often it is asked for.
GUIDE_AT_MOST_EVERY = timedelta(days=1)


class EnrolmentStatus(StrEnum):
    """Where an enrolment stands: under way, or the reason why it ended."""

    ACTIVE = "active"
    COMPLETED = "completed"
    GOAL_REACHED = "goal_reached"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Progress:
    """What the planner has to know of an enrolment.

    `passed` are the keys of the steps that are behind this person, sent or
    skipped, and `anchor_at` is the moment from which the next wait counts.
    `guide_wanted` is true from a signup until the guide has been offered.
    """

    enrolled_at: datetime
    anchor_at: datetime
    passed: frozenset[str] = frozenset()
    collected_at: datetime | None = None
    guide_wanted: bool = True
    time_zone: str = "Europe/London"

    def after(self, step: str, anchor_at: datetime) -> "Progress":
        """The progress once `step` has been passed and the next wait counts from `anchor_at`."""
        return Progress(
            enrolled_at=self.enrolled_at,
            anchor_at=anchor_at,
            passed=self.passed | {step},
            collected_at=self.collected_at,
            guide_wanted=False,
            time_zone=self.time_zone,
        )
