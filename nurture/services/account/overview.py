"""The page about the mail account: what it may send, has sent and was refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.account.alarms import AccountAlarm, MonthFigures, alarms
from nurture.domain.account.hold import Hold
from nurture.domain.account.limits import Limits, Window
from nurture.domain.account.presets import AccountChoices, Preset, preset_at
from nurture.domain.account.warm_up import WarmUp, warm_up_at
from nurture.domain.messages.told_refusal import read_refusal
from nurture.mail.smtp.route import SmtpRoute
from nurture.services.account import grant
from nurture.services.account.facts import find_mailbox, gather_facts
from nurture.services.account.grant import GrantState
from nurture.services.account.limits import take_stock
from nurture.services.account.outlook import AccountWait, find_wait, last_leaves_at
from nurture.services.account.words import what_is_wrong, what_it_means, what_to_do
from nurture.settings import Settings
from nurture.store.database import Connection, Database
from nurture.store.queries.account_figures import RefusedMessage, last_refusals
from nurture.store.tables import account, account_limits
from nurture.store.tables.mailboxes import MailboxState

#: How many refusals are shown, and how much of a mail server's own words.
_REFUSALS, _LONGEST = 10, 240


@dataclass(frozen=True, slots=True)
class AccountRefusal:
    """An email that the mail server refused: what that means, and its own words, cut."""

    sequence: str
    step: str
    at: datetime
    meaning: str
    words: str
    fails: bool


@dataclass(frozen=True, slots=True)
class HeldAccount:
    """A hold in words: what is wrong, what to do about it, and what the mail server said, cut."""

    what: str
    to_do: str
    words: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class AccountOverview:
    """Everything on the page.

    `own` is what the owner chose and `limits` what is in force. `used` counts every window,
    limited or not. `last_at` is about when the last email that waits can leave.
    """

    own: AccountChoices
    limits: Limits
    used: Mapping[Window, int]
    wait: AccountWait
    last_at: datetime | None
    held: HeldAccount | None
    refusals: tuple[AccountRefusal, ...]
    month: MonthFigures
    alarms: tuple[AccountAlarm, ...]
    warming_since: datetime | None
    warming: WarmUp | None
    connected: GrantState | None
    mailbox: MailboxState | None


def oversee_account(
    database: Database, fixed: AccountChoices, mailbox: str, now: datetime
) -> AccountOverview:
    """Return what the page about the account shows; `mailbox` as in `facts.find_alarms`."""
    with database.reading() as connection:
        return _oversee(connection, fixed, mailbox, now)


def _oversee(
    connection: Connection, fixed: AccountChoices, mailbox: str, now: datetime
) -> AccountOverview:
    row, held = account_limits.find_account(connection), account.find_hold(connection)
    stock = take_stock(connection, fixed, now)
    wait = find_wait(connection, stock, held, now)
    facts = gather_facts(connection, stock, held, wait, mailbox, now)
    return AccountOverview(
        own=row.own,
        limits=stock.limits,
        used=facts.used,
        wait=wait,
        last_at=None if held else last_leaves_at(connection, stock.limits, wait.number, now),
        held=_held(held, now) if held else None,
        refusals=tuple(map(_refusal, last_refusals(connection, _REFUSALS))),
        month=facts.month,
        alarms=tuple(alarms(facts)),
        warming_since=row.warming_since,
        warming=warm_up_at(row.warming_since, now, stock.limits.day),
        connected=grant.find_state(connection),
        mailbox=find_mailbox(connection, mailbox),
    )


def suggested_preset(settings: Settings) -> Preset | None:
    """Return the kind of account that the mail server's name tells, if it does."""
    if not settings.smtp_url:
        return None
    route = SmtpRoute.from_url(settings.smtp_url)
    return preset_at(route.host, route.user or "")


def _held(held: Hold, now: datetime) -> HeldAccount:
    what, to_do = what_is_wrong(held), what_to_do(held, now)
    return HeldAccount(what, to_do, cut(held.reason), held.since, held.until)


def _refusal(one: RefusedMessage) -> AccountRefusal:
    told = read_refusal(one.reason)
    meaning = what_it_means(told.refusal) if told else "The mail server did not take it."
    words = f"{told.code} {told.text}" if told else one.reason
    return AccountRefusal(one.sequence, one.step, one.at, meaning, cut(words), one.fails)


def cut(words: str) -> str:
    """Return a mail server's words, no longer than a page has room for."""
    plain = " ".join(words.split())
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"
