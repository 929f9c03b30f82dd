"""What is known about the mail account now, from which its alarms are decided."""

from datetime import datetime, timedelta

from nurture.domain.account.alarms import AccountAlarm, AccountFacts, alarms
from nurture.domain.account.hold import Hold
from nurture.domain.account.limits import Window
from nurture.domain.account.presets import AccountChoices
from nurture.services.account import grant
from nurture.services.account.limits import AccountStock, take_stock
from nurture.services.account.outlook import AccountWait, find_wait
from nurture.services.account.words import what_is_wrong, what_to_do
from nurture.store.database import Connection
from nurture.store.queries.account_figures import month_figures
from nurture.store.tables import account, mailboxes, offers
from nurture.store.tables.mailboxes import MailboxState

#: How far back bounces and complaints are counted.
MONTH = timedelta(days=30)


def find_alarms(
    connection: Connection, fixed: AccountChoices, mailbox: str, now: datetime
) -> list[AccountAlarm]:
    """Return what about the account should alarm its owner, the most urgent first.

    `mailbox` is what the state of the mailbox is stored under; "" if none is read.
    """
    stock, held = take_stock(connection, fixed, now), account.find_hold(connection)
    wait = find_wait(connection, stock, held, now)
    return alarms(gather_facts(connection, stock, held, wait, mailbox, now))


def gather_facts(
    connection: Connection,
    stock: AccountStock,
    held: Hold | None,
    wait: AccountWait,
    mailbox: str,
    now: datetime,
) -> AccountFacts:
    """Return everything that alarms are decided from."""
    connected, read = grant.find_state(connection), find_mailbox(connection, mailbox)
    return AccountFacts(
        now=now,
        limits=stock.limits,
        used=offers.count_used(connection, Window, now),
        waiting=wait.number,
        waiting_since=stock.allowance.waiting_since,
        held_since=held.since if held else None,
        held_because=what_is_wrong(held) if held else "",
        held_to_do=what_to_do(held, now) if held else "",
        lapsed_at=connected.lapsed_at if connected else None,
        lapsed_because=connected.lapsed_because if connected else "",
        mailbox_read_at=read.read_at if read else None,
        mailbox_trouble=read.trouble if read else "",
        mailbox_trouble_since=read.trouble_since if read else None,
        month=month_figures(connection, now - MONTH, now),
    )


def find_mailbox(connection: Connection, mailbox: str) -> MailboxState | None:
    """Return when a mailbox was last read; `None` if it never was, or if none is."""
    return mailboxes.find_state(connection, mailbox) if mailbox else None
