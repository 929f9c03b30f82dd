"""What the account's limits and its hold mean for what comes: for people, and for the week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from nurture.domain.account.hold import Hold
from nurture.domain.account.limits import NO_LIMITS, Limits, Window
from nurture.domain.account.presets import AccountChoices
from nurture.domain.account.queue import (
    LONGEST_QUEUE,
    AccountLoad,
    Forecast,
    room_in,
    room_left,
    used_up,
)
from nurture.domain.reasons import Code, Reason
from nurture.services.account.limits import AccountStock, take_stock
from nurture.store.database import Connection
from nurture.store.queries.due import count_due, looks_ahead
from nurture.store.tables import account, offers


def account_load(
    connection: Connection, fixed: AccountChoices, now: datetime
) -> AccountLoad | None:
    """Return what has been sent and what waits; `None` if nothing keeps anyone waiting."""
    stock, held = take_stock(connection, fixed, now), account.find_hold(connection)
    if stock.limits.is_unlimited and held is None:
        return None
    longest = max((w.length for w in stock.limits.by_window), default=Window.DAY.length)
    sent = offers.offers_within(connection, longest, now)
    looks = looks_ahead(connection, LONGEST_QUEUE)
    return AccountLoad(stock.limits, tuple(sent), tuple(looks), now, held.until if held else None)


def rooms_ahead(
    connection: Connection, fixed: AccountChoices, until: Sequence[datetime], now: datetime
) -> list[int | None]:
    """Return about how many emails the account can send until each moment, from the one before.

    The first counts from now, and `None` means any number.
    """
    limits = take_stock(connection, fixed, now).limits
    used = offers.count_used(connection, limits.by_window, now) if limits.by_window else {}
    later = [room_in(limits, end - begin) for begin, end in pairwise(until)]
    return [room_left(limits, used, until[0] - now), *later]


@dataclass(frozen=True, slots=True)
class AccountWait:
    """How many due enrolments the account cannot take now, when it takes the next one, and why.

    `next_at` is `None` if none wait, or if the next one can leave at once.
    """

    number: int = 0
    next_at: datetime | None = None
    why: Reason | None = None


def find_wait(
    connection: Connection, stock: AccountStock, held: Hold | None, now: datetime
) -> AccountWait:
    """Return what waits for the account."""
    due, left = count_due(connection, now), stock.allowance.left
    if held is not None:
        return AccountWait(due, held.until, Reason(Code.ACCOUNT_HELD))
    waiting = max(0, due - left) if left is not None else 0
    if not waiting or left:
        return AccountWait(waiting)
    forecast = _forecast(connection, stock.limits, now)
    next_at, window = forecast.next_at(), forecast.binding
    return AccountWait(waiting, next_at, used_up(stock.limits, window) if window else None)


def last_leaves_at(
    connection: Connection, limits: Limits, waiting: int, now: datetime
) -> datetime | None:
    """Return about when the last of so few emails leaves; `None` if they are too many to say."""
    if not 0 < waiting <= LONGEST_QUEUE or limits.is_unlimited:
        return None
    forecast = _forecast(connection, limits, now)
    return max(forecast.send_one() for _ in range(waiting))


def _forecast(connection: Connection, limits: Limits, now: datetime) -> Forecast:
    longest = max((w.length for w in limits.by_window), default=Window.DAY.length)
    return Forecast(limits, offers.offers_within(connection, longest, now), now)


def account_report(connection: Connection, fixed: AccountChoices, now: datetime) -> dict[str, Any]:
    """Return the account's state as plain values.

    `limit` is null without limits; `used` counts the rolling minute, hour and day; `waiting` is how
    many due enrolments the account cannot take now, and `until` when it can take the next.
    """
    stock, held = take_stock(connection, fixed, now), account.find_hold(connection)
    wait = find_wait(connection, stock, held, now)
    limits = stock.limits
    numbers = {window.value: getattr(limits, window) for window in Window}
    return {
        "limit": None if limits == NO_LIMITS else numbers | {"connections": limits.connections},
        "used": {w.value: n for w, n in offers.count_used(connection, Window, now).items()},
        "waiting": wait.number,
        "until": wait.next_at.isoformat() if wait.next_at else None,
        "since": held.since.isoformat() if held else None,
        "cause": held.cause if held else None,
        "reason": held.reason if held else None,
    }
