"""What is known about the mail account now, from which its alarms are decided."""

from datetime import datetime, timedelta

from nurture.domain.account.alarms import AccountAlarm, AccountFacts, MonthFigures, alarms
from nurture.domain.account.hold import Hold
from nurture.domain.account.limits import Window
from nurture.services.account.limits import AccountStock, SendingRules, take_stock
from nurture.services.account.outlook import AccountWait, find_wait
from nurture.services.account.words import what_is_wrong, what_to_do
from nurture.store.database import Connection
from nurture.store.queries.account_figures import month_figures
from nurture.store.tables import account, offers

#: How far back bounces and complaints are counted.
MONTH = timedelta(days=30)


def find_alarms(connection: Connection, rules: SendingRules, now: datetime) -> list[AccountAlarm]:
    """Return what about the account should alarm its owner, the most urgent first."""
    stock, held = take_stock(connection, rules, now), account.find_hold(connection)
    wait = find_wait(connection, stock, held, now)
    return alarms(gather_facts(connection, stock, held, wait, now))


def gather_facts(
    connection: Connection,
    stock: AccountStock,
    held: Hold | None,
    wait: AccountWait,
    now: datetime,
) -> AccountFacts:
    """Return everything that alarms are decided from."""
    return AccountFacts(
        now=now,
        limits=stock.limits,
        used=offers.count_used(connection, Window, now),
        waiting=wait.number,
        waiting_since=stock.allowance.waiting_since,
        held_since=held.since if held else None,
        held_because=what_is_wrong(held) if held else "",
        held_to_do=what_to_do(held, now) if held else "",
        month=count_month(connection, now),
    )


def count_month(connection: Connection, now: datetime) -> MonthFigures:
    """Return what became of the emails of the last thirty days."""
    return month_figures(connection, now - MONTH, now)
