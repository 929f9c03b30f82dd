"""Why an address is never written to, which reason weighs most, and what ends a bounce.

Every reason stands by itself: lifting one leaves the others. What counts is when something
happened, never when it was told, so that the same news in any order comes to the same.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class SuppressionReason(StrEnum):
    """Why we never write to an address.

    Only the person takes an `unsubscribed` back. A `bounced` is lifted by the owner, or by a
    guide that arrives after the person has asked for it again. Nobody lifts the others.
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
    """One reason that stands, since it was last told to have happened.

    After a bounce the person may have asked for a guide once more: `asked_again_at`, and
    `guide_of` is the enrolment whose guide may go to them all the same, once.
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
    """The reason that is named where there are several; `None` where there is none."""
    return min(reasons, key=_STRONGEST_FIRST.index, default=None)


def may_ask_again(standing: Collection[Suppression], now: datetime) -> bool:
    """Whether a signup brings the guide once more although the address is suppressed.

    It does where a bounce is the only reason and neither it nor the last such guide is
    recent.
    """
    if [one.reason for one in standing] != [SuppressionReason.BOUNCED]:
        return False
    [bounce] = standing
    return now - max(bounce.since, bounce.asked_again_at or bounce.since) >= ASKS_AGAIN_AFTER


def guide_on_trial(standing: Collection[Suppression]) -> int | None:
    """The enrolment whose guide may go out although the address bounced, if there is one."""
    if [one.reason for one in standing] != [SuppressionReason.BOUNCED]:
        return None
    [bounce] = standing
    return bounce.allows_guide_of
