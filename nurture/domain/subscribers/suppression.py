"""Why an address is never emailed, which reason is strongest, and what ends a bounce.

Each reason is independent: lifting one leaves the others. What counts is when something happened,
never when it was reported, so the same reports in any order have the same result.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


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

#: Whoever asks for a guide again so long after a bounce gets it once more.
ASKS_AGAIN_AFTER = timedelta(days=7)

#: A guide that was accepted so long ago and has not come back has arrived. A mail server gives
#: up after five days at the latest and says so then.
SILENT_FOR = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Suppression:
    """One reason in force, and when it was last reported to have happened.

    After a bounce the person may have asked for a guide once more, at `asked_again_at`; `guide_of`
    is the enrolment whose guide may be sent to them regardless, once.
    """

    reason: SuppressionReason
    since: datetime
    detail: str = ""
    asked_again_at: datetime | None = None
    guide_of: int | None = None

    @property
    def allows_guide_of(self) -> int | None:
        """The enrolment whose guide is on trial, unless the address has bounced again since."""
        open_since = self.asked_again_at
        return self.guide_of if open_since is not None and open_since > self.since else None


def strongest(reasons: Iterable[SuppressionReason]) -> SuppressionReason | None:
    """Return the reason to name if there are several; `None` if there is none."""
    return min(reasons, key=_STRONGEST_FIRST.index, default=None)


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
