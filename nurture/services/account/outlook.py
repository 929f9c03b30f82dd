"""What the account's limits and its hold mean for what comes: for people, and for the week."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from nurture.domain.account.limits import NO_LIMITS, Window
from nurture.domain.account.queue import (
    LONGEST_QUEUE,
    AccountLoad,
    AccountQueue,
    room_in,
    room_left,
)
from nurture.services.account.limits import SendingRules, take_stock
from nurture.store.database import Connection
from nurture.store.queries.due import count_due, looks_ahead
from nurture.store.tables import account, offers


def account_load(connection: Connection, rules: SendingRules, now: datetime) -> AccountLoad | None:
    """Return what has been sent and what waits; `None` if nothing keeps anyone waiting."""
    stock, held = take_stock(connection, rules, now), account.find_hold(connection)
    if stock.limits.is_unlimited and held is None:
        return None
    longest = max((w.length for w in stock.limits.by_window), default=Window.DAY.length)
    sent = offers.offers_within(connection, longest, now)
    looks = looks_ahead(connection, LONGEST_QUEUE)
    return AccountLoad(stock.limits, tuple(sent), tuple(looks), now, held.until if held else None)


def rooms_ahead(
    connection: Connection, rules: SendingRules, until: Sequence[datetime], now: datetime
) -> list[int | None]:
    """Return about how many emails the account can send until each moment, from the one before.

    The first counts from now, and `None` means any number.
    """
    limits = take_stock(connection, rules, now).limits
    used = offers.count_used(connection, limits.by_window, now) if limits.by_window else {}
    later = [room_in(limits, end - begin) for begin, end in pairwise(until)]
    return [room_left(limits, used, until[0] - now), *later]


def account_report(connection: Connection, rules: SendingRules, now: datetime) -> dict[str, Any]:
    """Return the account's state as plain values.

    `limit` is null without limits; `used` counts the rolling minute, hour and day; `waiting` is how
    many due enrolments the account cannot take now, and `until` when it can take the next.
    """
    stock, held = take_stock(connection, rules, now), account.find_hold(connection)
    due, left = count_due(connection, now), stock.allowance.left
    waiting = due if held else max(0, due - left) if left is not None else 0
    until = held.until if held else None
    if waiting and not held and not left and (load := account_load(connection, rules, now)):
        until = AccountQueue(load).free_at()
    limits = stock.limits
    numbers = {window.value: getattr(limits, window) for window in Window}
    return {
        "limit": None if limits == NO_LIMITS else numbers | {"connections": limits.connections},
        "used": {w.value: n for w, n in offers.count_used(connection, Window, now).items()},
        "waiting": waiting,
        "until": until.isoformat() if until else None,
        "since": held.since.isoformat() if held else None,
        "cause": held.cause if held else None,
        "reason": held.reason if held else None,
    }
