"""Departures: when the emails of a broadcast leave, given sending hours and the account's limits.

It is a forecast by arithmetic: in steps of an hour at most, however many people wait.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.account.limits import Limits, Sent, Window, reserve
from nurture.domain.account.warm_up import broadcast_room, warm_up_at
from nurture.domain.scheduling.window import Holidays, SendWindow, next_open

#: Nobody is told of a broadcast that takes longer than this.
LONGEST = timedelta(days=90)

_STEP, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ZoneReaders:
    """How many readers in a time zone are due a broadcast, and from when."""

    time_zone: str
    due_at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class AccountRoom:
    """What an account may send: its limits, what it has sent, and the warming up of its domain.

    `ahead` is how many emails wait for the account already, and `warmed` how many of broadcasts
    have left since this day of warming up began.
    """

    limits: Limits
    sent: tuple[Sent, ...] = ()
    ahead: int = 0
    warming_since: datetime | None = None
    warmed: int = 0


@dataclass(frozen=True, slots=True)
class Departures:
    """When the first and the last email leave, and how many on each day, in the practice's zone.

    `last_at` is `None` if that is further ahead than `LONGEST`, and both are if there are none.
    """

    first_at: datetime | None = None
    last_at: datetime | None = None
    per_day: tuple[tuple[date, int], ...] = ()

    @property
    def days(self) -> int:
        """Over how many days they leave, from the first day to the last."""
        return (self.per_day[-1][0] - self.per_day[0][0]).days + 1 if self.per_day else 0

    @property
    def on_first_day(self) -> int:
        """How many leave on the first day."""
        return self.per_day[0][1] if self.per_day else 0


def departures(
    readers: Iterable[ZoneReaders],
    room: AccountRoom,
    usual: SendWindow,
    off: Holidays,
    zone: ZoneInfo,
    now: datetime,
) -> Departures:
    """Return about when the emails leave, each zone inside its sending hours."""
    waiting = [_Waiting(one, usual, off) for one in readers if one.number]
    account, left = _Account(room, now), list[tuple[datetime, int]]()
    at = min((one.open_at for one in waiting), default=now)
    until = at + LONGEST
    while waiting and at < until:
        for one in waiting:
            one.look(at)
        going = min(sum(one.left for one in waiting if one.open_at <= at), account.free_at(at))
        if going:
            left.append((at, going))
            account.send(at, going)
        for one in waiting:
            if one.open_at <= at:
                going -= one.take(going)
        waiting = [one for one in waiting if one.left]
        is_held = any(one.open_at <= at for one in waiting)
        at = at + _STEP if is_held else min((one.open_at for one in waiting), default=at)
    last = account.last_of(*left[-1]) if left and not waiting else None
    return Departures(left[0][0] if left else None, last, _per_day(left, zone))


def _per_day(left: Sequence[tuple[datetime, int]], zone: ZoneInfo) -> tuple[tuple[date, int], ...]:
    found: dict[date, int] = {}
    for at, number in left:
        day = at.astimezone(zone).date()
        found[day] = found.get(day, 0) + number
    return tuple(sorted(found.items()))


@dataclass
class _Waiting:
    """The readers of one zone who wait, and when their sending hours are open next."""

    readers: ZoneReaders
    usual: SendWindow
    off: Holidays
    left: int = 0
    open_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.left, self.open_at = self.readers.number, self.readers.due_at
        self.look(self.open_at)

    def look(self, at: datetime) -> None:
        """Find when the hours are open, at that moment or after it."""
        if self.open_at <= at:
            self.open_at = next_open(at, self.usual, self.readers.time_zone, self.off)

    def take(self, most: int) -> int:
        """Let up to `most` of them have it; return how many do."""
        taken = min(most, self.left)
        self.left -= taken
        return taken


class _Account:
    """What an account may send as time goes on; ask it about moments in their order."""

    def __init__(self, room: AccountRoom, now: datetime) -> None:
        self._room, self._now = room, now
        each = room.limits.by_window.items()
        self._rooms = {window: limit - reserve(limit) for window, limit in each}
        self._sent = list(room.sent)
        self._ahead = 0 if room.limits.is_unlimited else room.ahead
        self._warmed = {self._warming_day(now): room.warmed}

    def free_at(self, at: datetime) -> int:
        """Return how many emails of broadcasts may leave in the step that begins then."""
        rooms = [self._free(window, most, at) for window, most in self._rooms.items()]
        free = min(rooms, default=None)
        if free is not None:
            first = min(self._ahead, free)
            self._ahead, free = self._ahead - first, free - first
            self._note(at, first)
        warming = warm_up_at(self._room.warming_since, at, self._room.limits.day)
        left = broadcast_room(warming, self._warmed.get(self._warming_day(at), 0), free)
        return _ANY_NUMBER if left is None else left

    def send(self, at: datetime, number: int) -> None:
        """Count emails of a broadcast that leave in the step that begins then."""
        self._note(at, number)
        day = self._warming_day(at)
        self._warmed[day] = self._warmed.get(day, 0) + number

    def last_of(self, at: datetime, number: int) -> datetime:
        """Return when the last of `number` emails leaves if the first leaves at `at`."""
        a_minute = self._rooms.get(Window.MINUTE)
        return at + timedelta(minutes=(number - 1) // a_minute) if a_minute else at

    def _free(self, window: Window, most: int, at: datetime) -> int:
        if window is Window.MINUTE:
            return most * 60
        since = at - window.length
        return max(0, most - sum(one.number for one in self._sent if one.at > since))

    def _note(self, at: datetime, number: int) -> None:
        self._sent = [one for one in self._sent if one.at > at - _DAY]
        self._sent += [Sent(at, number)] if number else []

    def _warming_day(self, at: datetime) -> int:
        since = self._room.warming_since
        return (at - since) // _DAY if since else 0


#: More than there are people.
_ANY_NUMBER = 10**12
