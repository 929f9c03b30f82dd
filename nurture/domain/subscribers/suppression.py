"""Why an address is never emailed, which reason is strongest, and what ends a bounce.

Each reason is independent: lifting one leaves the others. What counts is when something happened,
never when it was reported, so the same reports in any order have the same result.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import Sequence


class SuppressionReason(StrEnum):
    """Why we never email an address.

    Only the person can undo `unsubscribed`. `bounced` is lifted by the owner, or by a guide that
    arrives after the person has asked for it again. Nobody can lift the others.
    """

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"


_STRONGEST_FIRST = (
    SuppressionReason.ERASED,
    SuppressionReason.COMPLAINED,
    SuppressionReason.BOUNCED,
    SuppressionReason.UNSUBSCRIBED,
)

#: Anyone who asks for a guide again this long after a bounce gets it once more.
ASKS_AGAIN_AFTER = timedelta(days=7)

#: A guide that was accepted this long ago and has not come back has arrived: a mail server gives up
#: after five days at the latest, and reports it.
SILENT_FOR = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Suppression:
    """One reason in force, and when it was last reported to have happened.

    After a bounce the person may have asked for a guide once more, at `asked_again_at`; `guide_of`
    is the enrolment whose guide may be sent to them regardless, once. `of_mailbox` says that it was
    another spelling of the same mailbox that refused.
    """

    reason: SuppressionReason
    since: datetime
    detail: str = ""
    asked_again_at: datetime | None = None
    guide_of: int | None = None
    of_mailbox: bool = False

    @property
    def allows_guide_of(self) -> int | None:
        """The enrolment whose guide is on trial, unless the address has bounced again since."""
        open_since = self.asked_again_at
        return self.guide_of if open_since is not None and open_since > self.since else None


def strongest(reasons: Iterable[SuppressionReason]) -> SuppressionReason | None:
    """Return the reason to name if there are several; `None` if there is none."""
    return min(reasons, key=_STRONGEST_FIRST.index, default=None)


def ending_by(reason: SuppressionReason) -> Ending:
    """Return how an enrolment ends when its address is suppressed for that reason."""
    left = reason is SuppressionReason.UNSUBSCRIBED
    status = EnrolmentStatus.UNSUBSCRIBED if left else EnrolmentStatus.SUPPRESSED
    return Ending(status, EndReason(reason))


def ending_once(before: Ending, reason: SuppressionReason) -> Ending:
    """Return how an enrolment ends, or has ended, once that reason is the strongest.

    An enrolment that another reason has ended changes to this one, so that the order in which
    reasons arrive makes no difference. An enrolment that ended for other causes stays as it is.
    """
    ends = before.status is EnrolmentStatus.ACTIVE or before.is_left
    return ending_by(reason) if ends else before


def goes_on(before: Ending, sequence: Sequence | None) -> bool:
    """Return whether an enrolment continues once the address is no longer suppressed.

    Answers to requests do not, nor do questions after a silence: both are started again.
    """
    is_series = sequence is None or (sequence.answers is None and sequence.quiet is None)
    return before.status is EnrolmentStatus.SUPPRESSED and is_series


def may_ask_again(standing: Collection[Suppression], now: datetime) -> bool:
    """Return whether a signup brings the guide once more although the address is suppressed.

    It does if a bounce is the only reason and neither it nor the last such guide is recent.
    """
    if [one.reason for one in standing] != [SuppressionReason.BOUNCED]:
        return False
    [bounce] = standing
    return now - max(bounce.since, bounce.asked_again_at or bounce.since) >= ASKS_AGAIN_AFTER


def guide_on_trial(standing: Collection[Suppression]) -> int | None:
    """Return the enrolment whose guide may be sent although the address bounced, if any."""
    if [one.reason for one in standing] != [SuppressionReason.BOUNCED]:
        return None
    [bounce] = standing
    return bounce.allows_guide_of
