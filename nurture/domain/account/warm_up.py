"""Warming up a new domain: how many emails of a broadcast may leave each day, and to who first.

Mailbox providers distrust a domain that suddenly writes to many people. Only broadcasts are held
back; a sequence never is, because its few emails a day are what makes a domain known.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.audience.engagement import EngagementLevel

#: How many emails leave on the first day, and how many times as many on each further one.
FIRST_DAY, _GROWTH = 50, 1.4

#: After this many days a domain is no longer new, whatever its account may send.
LONGEST_DAYS = 40

_DAY = timedelta(days=1)

#: The liveliest first: those who have just asked for something, then those who still read.
_LIVELIEST = tuple(EngagementLevel)


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A day of warming up: its number from 1, what may leave on it, and the last day's number."""

    day: int
    allowed: int
    last_day: int


def allowed_on(day: int) -> int:
    """Return how many emails of broadcasts may leave on a day of warming up, counted from 1."""
    return round(FIRST_DAY * math.pow(_GROWTH, max(day, 1) - 1))


def last_day(day_limit: int | None) -> int:
    """Return the last day on which warming up allows fewer emails than the account's own limit."""
    days = range(1, LONGEST_DAYS + 1)
    if day_limit is None:
        return LONGEST_DAYS
    return sum(allowed_on(day) < day_limit for day in days)


def warm_up_at(since: datetime | None, now: datetime, day_limit: int | None) -> WarmUp | None:
    """Return the present day of warming up since then; `None` if nothing is warmed up any more."""
    if since is None:
        return None
    day, last = max(0, (now - since) // _DAY) + 1, last_day(day_limit)
    return WarmUp(day, allowed_on(day), last) if day <= last else None


def broadcast_room(warming: WarmUp | None, sent_today: int, free: int | None) -> int | None:
    """Return how many more emails of broadcasts may leave today; `None` means any number.

    `sent_today` are those that have left since this day of warming up began, and `free` is what
    the account can send besides.
    """
    if warming is None:
        return free
    left = max(0, warming.allowed - sent_today)
    return left if free is None else min(left, free)


@dataclass(frozen=True, slots=True)
class BroadcastRecipient:
    """Someone who is to get a broadcast; without tracking, their level says nothing."""

    id: int
    level: EngagementLevel
    is_tracked: bool
    signed_up_at: datetime


def broadcast_order(people: Iterable[BroadcastRecipient]) -> list[BroadcastRecipient]:
    """Return everyone in the order in which they get a broadcast while a domain is warmed up.

    The liveliest are first. Nobody can tell how lively people without tracking are, so they are
    mixed in evenly, those who signed up last first.
    """
    newest = sorted(people, key=lambda one: (one.signed_up_at, one.id), reverse=True)
    tracked = [one for one in newest if one.is_tracked]
    tracked.sort(key=lambda one: _LIVELIEST.index(one.level))
    return _mixed_evenly(tracked, [one for one in newest if not one.is_tracked])


def _mixed_evenly(
    some: Sequence[BroadcastRecipient], others: Sequence[BroadcastRecipient]
) -> list[BroadcastRecipient]:
    """Return both in their order, so that every part of the whole has its share of each."""
    # Each stands in the middle of its own share; whole numbers compare exactly.
    placed = [((2 * n + 1) * len(others), one) for n, one in enumerate(some)]
    placed += [((2 * n + 1) * len(some), one) for n, one in enumerate(others)]
    return [one for _, one in sorted(placed, key=lambda each: each[0])]
