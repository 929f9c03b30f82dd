"""The account's limits in force, what has been used of them, and what may still be sent."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.domain.account.limits import NO_LIMITS, Limits, allowance
from nurture.domain.account.presets import AccountChoices, limits_in_force
from nurture.domain.account.warm_up import broadcast_room, warm_up_at
from nurture.domain.scheduling.allowance import UNLIMITED, Allowance
from nurture.services.delivery.claim import Batch
from nurture.store.database import Connection, Database
from nurture.store.tables import account_limits, offers

#: Into how many equal parts the account's connections are divided, if there are as many.
_SHARES = 4

#: What was sent is told for a month, and a clock may have been wrong.
_COUNTED_FOR = timedelta(days=35)

_WARMING_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AccountStock:
    """What the account may send at this moment, over how many connections (`None`: any number)."""

    limits: Limits = NO_LIMITS
    allowance: Allowance = UNLIMITED
    connections: int | None = None

    @property
    def may_send(self) -> bool:
        """Whether anyone at all may be sent anything now."""
        return self.connections != 0 and self.allowance.left_for_answers != 0


def take_stock(
    connection: Connection, fixed: AccountChoices, now: datetime, *, claiming: bool = False
) -> AccountStock:
    """Return what the account may send.

    When `claiming`, no one else counts until this transaction ends.
    """
    account = account_limits.find_account(connection)
    limits, since = limits_in_force(fixed, account.own), account.waiting_since
    since = None if since and since > now else since  # A clock had gone ahead.
    warming = warm_up_at(account.warming_since, now, limits.day)
    if limits == NO_LIMITS and warming is None:
        return AccountStock(allowance=allowance(limits, {}, since))
    if claiming:
        account_limits.hold_account(connection)
    used = offers.count_used(connection, limits.by_window, now) if limits.by_window else {}
    left = allowance(limits, used, since)
    if warming is not None and account.warming_since is not None:
        begun = account.warming_since + (warming.day - 1) * _WARMING_DAY
        sent = offers.count_of_broadcasts(connection, begun)
        left = replace(left, left_for_broadcasts=broadcast_room(warming, sent, None))
    return AccountStock(limits, left, _share(connection, limits))


def note_claim(connection: Connection, batch: Batch, stock: AccountStock, now: datetime) -> None:
    """Record whether emails wait for the account now that this batch was claimed."""
    since = stock.allowance.waiting_since
    if batch.leaves_some_waiting and since is None:
        account_limits.note_waiting(connection, now)
    elif since is not None and not (batch.leaves_some_waiting or batch.is_full):
        account_limits.end_waiting(connection)


def note_sweep(
    database: Database, stock: AccountStock, due: int, may_go: int, now: datetime
) -> None:
    """Record that emails wait for the account, or that none do any more, if that is news.

    While nothing may be sent there is no claim that would record it.
    """
    since, waits = stock.allowance.waiting_since, stock.allowance.left == 0 and due > may_go
    if since is None and waits:
        with database.writing() as connection:
            account_limits.note_waiting(connection, now)
    elif since is not None and not due:
        with database.writing() as connection:
            account_limits.end_waiting(connection)


def forget_old_offers(database: Database, now: datetime) -> None:
    """Delete what no longer counts towards any limit or figure."""
    with database.writing() as connection:
        offers.forget_offers(connection, now - _COUNTED_FOR)


def _share(connection: Connection, limits: Limits) -> int | None:
    """Return how many connections one more batch may open.

    Every batch gets an equal share, whatever machine it is sent from, and there are never more
    batches than shares.
    """
    if limits.connections is None:
        return None
    share = max(1, limits.connections // _SHARES)
    taken = share * offers.count_claims(connection)
    return share if taken + share <= limits.connections else 0
