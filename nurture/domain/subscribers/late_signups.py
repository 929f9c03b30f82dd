"""Late signups: what a website reports afterwards, with the time of the actual request.

It reports late if its call was delayed, or if it is replaying signups from a machine that was lost.
Anything the person has said since then takes precedence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.errors import NurtureError
from nurture.domain.sequences.enrolment import Ending, EnrolmentStatus
from nurture.domain.subscribers.consent import ConsentChange, Scope, is_among

#: Anyone who asked longer ago must be asked again, because nobody remembers that long.
LONGEST_AGO = timedelta(days=400)


class ImpossibleTimeError(NurtureError):
    """A time at which nobody can have signed up."""


@dataclass(frozen=True, slots=True)
class SignupTime:
    """When a person really asked, as far as the caller says so, and when we received it.

    With `before_restore`, a machine that has since been lost may have answered.
    """

    told_at: datetime
    said_at: datetime | None = None
    before_restore: bool = False

    @property
    def asked_at(self) -> datetime:
        """The time that separates what was said before from what was said since."""
        return self.said_at or self.told_at

    @property
    def due_at(self) -> datetime:
        """When the guide is due: if only the call was delayed, now, so that nothing piles up."""
        return self.asked_at if self.before_restore else self.told_at

    @property
    def held_since(self) -> datetime | None:
        """Since when the next steps are held, if they may have been sent already."""
        return self.told_at if self.before_restore else None


def signup_time(
    said_at: datetime | None, told_at: datetime, restored_at: datetime | None
) -> SignupTime:
    """Check the time that a caller reports; raise `ImpossibleTimeError`.

    A time in the future counts as now: a website whose clock is wrong loses no signup.
    """
    if said_at is None:
        return SignupTime(told_at)
    if said_at < told_at - LONGEST_AGO:
        raise ImpossibleTimeError(
            f"It is more than {LONGEST_AGO.days} days ago.",
            remedy="Have them fill in the form again.",
        )
    before_restore = restored_at is not None and said_at < restored_at
    return SignupTime(told_at, min(said_at, told_at), before_restore)


def is_overtaken(time: SignupTime, before: Ending, ended_at: datetime | None) -> bool:
    """Return whether an enrolment, current or past, overrides a request made at that time.

    An enrolment that is under way after a restore continues unchanged; one that has ended since
    they asked stays ended.
    """
    if before.status is EnrolmentStatus.ACTIVE:
        return time.before_restore
    return time.said_at is not None and ended_at is not None and ended_at >= time.said_at


def not_overtaken(
    changes: list[ConsentChange], last_said: Mapping[Scope, datetime], asked_at: datetime
) -> list[ConsentChange]:
    """Return the grants that were not followed by another decision on the same purpose."""
    since = [scope for scope, at in last_said.items() if at >= asked_at]
    return [change for change in changes if not is_among(change.scope, since)]
