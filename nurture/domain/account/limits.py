"""What a mail account may send: limits per minute, hour and day, and what they leave.

Every window is a rolling one: a provider that allows 150 an hour counts the last sixty minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.scheduling.allowance import UNLIMITED, Allowance

#: The share of a limit, and the least number of emails, reserved for what someone asked for.
_RESERVED_SHARE, _RESERVED_AT_LEAST = 20, 10


class Window(StrEnum):
    """A length of time over which an account's emails are counted."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """How long the window is."""
        return _LENGTHS[self]


_LENGTHS: Mapping[Window, timedelta] = {
    Window.MINUTE: timedelta(minutes=1),
    Window.HOUR: timedelta(hours=1),
    Window.DAY: timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How many emails an account may send in each window, and over how many connections.

    `None` means that there is no limit.
    """

    minute: int | None = None
    hour: int | None = None
    day: int | None = None
    connections: int | None = None

    @property
    def by_window(self) -> dict[Window, int]:
        """The windows that are limited, shortest first."""
        found = {window: getattr(self, window) for window in Window}
        return {window: limit for window, limit in found.items() if limit is not None}

    @property
    def is_unlimited(self) -> bool:
        """Whether any number of emails may be sent."""
        return not self.by_window


NO_LIMITS = Limits()

#: The names of the numbers in `Limits`.
NUMBERS = tuple(field.name for field in fields(Limits))


def reserve(limit: int) -> int:
    """Return how many of `limit` emails only go to people who asked for one, such as a guide.

    That is a twentieth, at least ten, but never more than half of the limit.
    """
    share = -(-limit // _RESERVED_SHARE)
    return min(max(share, _RESERVED_AT_LEAST), limit // 2)


def allowance(
    limits: Limits, used: Mapping[Window, int], waiting_since: datetime | None = None
) -> Allowance:
    """Return what an account may still send, given what it has `used` of each limited window.

    What is in hand at this moment counts as used.
    """
    if limits.is_unlimited:
        return Allowance(waiting_since=waiting_since) if waiting_since else UNLIMITED
    each = limits.by_window.items()
    return Allowance(
        left=max(0, min(limit - reserve(limit) - used[window] for window, limit in each)),
        left_for_answers=max(0, min(limit - used[window] for window, limit in each)),
        waiting_since=waiting_since,
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """Emails that count from the same moment, at which their outcome was known."""

    at: datetime
    number: int
