"""How far one subscriber has got in one sequence."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: One address gets the email of a guide at most once in this time, however often it is requested.
GUIDE_AT_MOST_EVERY = timedelta(days=1)


class EnrolmentStatus(StrEnum):
    """The status of an enrolment: under way, or the reason why it ended."""

    ACTIVE = "active"
    COMPLETED = "completed"
    GOAL_REACHED = "goal_reached"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    REMOVED = "removed"


class EndReason(StrEnum):
    """Why an enrolment ended, if its status alone does not say."""

    COMPLETED = "completed"
    BOOKED = "booked"
    # They already had an appointment when they asked for the guide.
    BOOKED_BEFORE = "booked_before"
    # When asked whether they still want the emails, they said so or showed it in some other way.
    STAYED = "stayed"
    GAVE_A_SIGN = "gave_a_sign"
    NOT_COLLECTED = "not_collected"
    # They replied to one of its emails, and the sequence says that it then ends.
    REPLIED = "replied"
    # The owner removed them.
    TAKEN_OUT = "taken_out"
    UNSUBSCRIBED = "unsubscribed"
    # The owner unsubscribed them, as they had asked.
    UNSUBSCRIBED_BY_OWNER = "unsubscribed_by_owner"
    # Their email program, or the mail provider, told us.
    UNSUBSCRIBED_ELSEWHERE = "unsubscribed_elsewhere"
    # They did not answer whether they still want the emails.
    SILENT = "silent"
    # They had been asked, and nobody can see whether they read the emails.
    NOT_FOLLOWED = "not_followed"
    # They never agreed to these emails, or no longer do.
    NO_CONSENT = "no_consent"
    # A broadcast found them so when it was their turn; the last two are not invited to book.
    TOO_LATE = "too_late"
    PAUSED = "paused"
    CLIENT = "client"
    HAS_SESSION = "has_session"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Ending:
    """How an enrolment ended, and why; `because` is `None` if that was not recorded."""

    status: EnrolmentStatus
    because: EndReason | None = None

    @property
    def is_left(self) -> bool:
        """Whether they unsubscribed or their address failed; the enrolment may then be resumed."""
        return self.status in (EnrolmentStatus.UNSUBSCRIBED, EnrolmentStatus.SUPPRESSED)


#: How a sequence ends that is to stop once somebody has replied to it.
REPLIED = Ending(EnrolmentStatus.REMOVED, EndReason.REPLIED)


@dataclass(frozen=True, slots=True)
class Progress:
    """What the planner needs to know about an enrolment.

    `passed` are the keys of the steps that this person has passed, sent or skipped, and `anchor_at`
    is the moment from which the next wait counts. `guide_wanted` is true from a signup until the
    guide has been offered. With `ends_as`, nothing is sent except the guide and its reminder; then
    the enrolment ends that way. Until `excused_until`, a pause, a cap or the account has held back
    the step that is awaited: that time does not make it late. `covered_by` is the form whose
    wording covers a sequence that has no form of its own. `moved` is how often the cap has put off
    the step that is awaited. With `must_collect`, nothing follows before the guide is collected,
    although the form's other visitors are confirmed by the website.
    """

    enrolled_at: datetime
    anchor_at: datetime
    passed: frozenset[str] = frozenset()
    collected_at: datetime | None = None
    guide_wanted: bool = True
    time_zone: str = "Europe/London"
    ends_as: Ending | None = None
    excused_until: datetime | None = None
    covered_by: str = ""
    moved: int = 0
    must_collect: bool = False

    def after(self, step: str, anchor_at: datetime) -> "Progress":
        """Return the progress after `step`, with the next wait counting from `anchor_at`."""
        return Progress(
            enrolled_at=self.enrolled_at,
            anchor_at=anchor_at,
            passed=self.passed | {step},
            collected_at=self.collected_at,
            guide_wanted=False,
            time_zone=self.time_zone,
            ends_as=self.ends_as,
            covered_by=self.covered_by,
            must_collect=self.must_collect,
        )
