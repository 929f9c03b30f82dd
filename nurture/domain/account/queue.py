"""The queue for an account: when an email that becomes due can be sent, as far as can be told.

Everyone waits in one queue, oldest promise first. Nobody can tell who will ask for a guide, so only
what is due or planned already is counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from nurture.domain.account.limits import Limits, Sent, Window, reserve
from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.allowance import UNLIMITED, Allowance

_USED_UP: Mapping[Window, Code] = {
    Window.MINUTE: Code.MINUTE_USED_UP,
    Window.HOUR: Code.HOUR_USED_UP,
    Window.DAY: Code.DAY_USED_UP,
}

Key = TypeVar("Key")

#: Promises older than this are all alike.
_OLDEST_PROMISE = timedelta(days=60)

#: Nobody is told of a queue longer than this.
LONGEST_QUEUE = 20_000


@dataclass(frozen=True, slots=True)
class AccountLoad:
    """What an account has sent and what waits for it: `sent` and `looks`, oldest first.

    `looks` are when enrolments are due to be looked at, which is when their next email is due.
    `held_until` is when a held account is tried again.
    """

    limits: Limits
    sent: tuple[Sent, ...]
    looks: tuple[Sent, ...]
    now: datetime
    held_until: datetime | None = None


def used_up(limits: Limits, window: Window) -> Reason:
    """Return the reason why an email waits whose account has used up that window's limit."""
    return Reason(_USED_UP[window], limit=str(limits.by_window[window]))


class Forecast:
    """When an account may send further emails, each as soon as its limits allow."""

    def __init__(self, limits: Limits, sent: Iterable[Sent], now: datetime) -> None:
        """Begin with what was `sent` in the longest window."""
        self._now = now
        self._moments = sorted(one.at for one in sent for _ in range(one.number))
        each = limits.by_window.items()
        self._rooms = [(window, limit - reserve(limit)) for window, limit in each]
        self.binding: Window | None = None

    def next_at(self, earliest: datetime | None = None) -> datetime:
        """Return when the next email may be sent, not before `earliest`.

        `binding` is then the window that makes it wait, if one does.
        """
        at, self.binding = max(self._now, earliest or self._now), None
        for window, room in self._rooms:
            if len(self._moments) >= room:
                free_at = self._moments[-room] + window.length
                if free_at > at:
                    at, self.binding = free_at, window
        return at

    def send_one(self, earliest: datetime | None = None) -> datetime:
        """Send the next email as soon as possible; return when that is."""
        at = self.next_at(earliest)
        self._moments.append(at)
        return at


class AccountQueue:
    """The queue as time goes on; ask it about moments in their order."""

    def __init__(self, load: AccountLoad) -> None:
        """Begin at the moment of the load."""
        self._load = load
        self._forecast = Forecast(load.limits, load.sent, load.now)
        self._looks = iter(load.looks)
        self._next = next(self._looks, None)
        self._own, self._counted = 1, 0

    def allowance_at(self, at: datetime) -> Allowance:
        """Return what may be sent to someone whose email is due at that moment.

        What someone asks for is never expected to wait, because some of each limit is reserved.
        """
        held_until = self._load.held_until
        if held_until is not None and held_until > at:
            return Allowance(0, 0, held_until, why=Reason(Code.ACCOUNT_HELD))
        if self._load.limits.is_unlimited:
            return UNLIMITED
        self._send_all_due_by(at)
        free_at, window = self._forecast.next_at(at), self._forecast.binding
        if window is None or free_at <= at:
            return UNLIMITED
        return Allowance(0, 1, free_at, why=used_up(self._load.limits, window))

    def _send_all_due_by(self, at: datetime) -> None:
        """Send everything that is due by then, except the one email to the person themselves."""
        while self._next is not None and self._next.at <= at and self._counted < LONGEST_QUEUE:
            others = min(self._next.number - self._own, LONGEST_QUEUE - self._counted)
            self._own, self._counted = 0, self._counted + others
            for _ in range(others):
                self._forecast.send_one(self._next.at)
            self._next = next(self._looks, None)


def in_order(at: datetime, promised_at: datetime) -> datetime:
    """Return `at`, later by less than a second, and by less the longer ago something was promised.

    So everything that is put off to the same hour keeps its order.
    """
    age = min(max((at - promised_at) / _OLDEST_PROMISE, 0.0), 1.0)
    return at + timedelta(microseconds=int((1 - age) * 999_999))


def room_left(limits: Limits, used: Mapping[Window, int], within: timedelta) -> int | None:
    """Return about how many emails an account can send within a time from now; `None`: any number.

    `used` is what it has used of each limited window.
    """
    each = [
        max(0, limit - reserve(limit) - used[window])
        + int(within / window.length) * (limit - reserve(limit))
        for window, limit in limits.by_window.items()
    ]
    return min(each, default=None)


def room_in(limits: Limits, length: timedelta) -> int | None:
    """Return how many emails an account can send in a later time of that length, about a day."""
    each = [
        max(1, round(length / window.length)) * (limit - reserve(limit))
        for window, limit in limits.by_window.items()
    ]
    return min(each, default=None)


def carry_over(
    days: Iterable[Mapping[Key, int]], rooms: Iterable[int | None]
) -> list[tuple[dict[Key, int], int]]:
    """Return what leaves on each day, and how many emails wait at its end for the next one.

    `days` are what is planned for each day, the most urgent kind of email first, and `rooms` how
    many the account can send on it (`None`: any number). What waited the day before goes first.
    """
    told, waiting = [], dict[Key, int]()
    for planned, most in zip(days, rooms, strict=True):
        leaves, left = dict[Key, int](), dict[Key, int]()
        free = most
        for key, number in (*waiting.items(), *planned.items()):
            going = number if free is None else min(number, free)
            free = None if free is None else free - going
            leaves[key] = leaves.get(key, 0) + going
            left[key] = left.get(key, 0) + number - going
        told.append(({k: n for k, n in leaves.items() if n}, sum(left.values())))
        waiting = {key: number for key, number in left.items() if number}
    return told
