"""Late signups: what a website tells after the fact, with the time at which it was really asked.

It tells late where its call was held up, or where it brings back who signed up on a machine that
was lost. What somebody has said since then stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.errors import NurtureError
from nurture.domain.sequences.enrolment import Ending, EnrolmentStatus
from nurture.domain.subscribers.consent import ConsentChange, Purpose

#: Whoever asked longer ago is to be asked again: nobody remembers it.
LONGEST_AGO = timedelta(days=400)


class ImpossibleTimeError(NurtureError):
    """Nobody can have signed up at that time."""


@dataclass(frozen=True, slots=True)
class SignupTime:
    """When somebody really asked, as far as the caller says so, and when we were told.

    With `before_restore`, a machine that is lost may have answered.
    """

    told_at: datetime
    said_at: datetime | None = None
    before_restore: bool = False

    @property
    def asked_at(self) -> datetime:
        """The time that counts for what was said before and since."""
        return self.said_at or self.told_at

    @property
    def due_at(self) -> datetime:
        """When the guide is due: where it is only held up, now, so that nothing comes in a heap."""
        return self.asked_at if self.before_restore else self.told_at

    @property
    def held_since(self) -> datetime | None:
        """Since when what follows is held, where it may have been sent already."""
        return self.told_at if self.before_restore else None


def signup_time(
    said_at: datetime | None, told_at: datetime, restored_at: datetime | None
) -> SignupTime:
    """Judge what a caller says; raises `ImpossibleTimeError`.

    A time in the future means now: a website whose clock is wrong loses no signup.
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
    """Whether what somebody is, or was, under way in says more than their asking at that time.

    What goes on after a restore goes on as it is; what ended since they asked stays ended.
    """
    if before.status is EnrolmentStatus.ACTIVE:
        return time.before_restore
    return time.said_at is not None and ended_at is not None and ended_at >= time.said_at


def not_overtaken(
    changes: list[ConsentChange], last_said: Mapping[Purpose, datetime], asked_at: datetime
) -> list[ConsentChange]:
    """The grants that nothing has been said about since they were given."""
    return [c for c in changes if c.purpose not in last_said or last_said[c.purpose] < asked_at]
