"""The account at the mail server: holding it after a refusal, trying it, and opening it again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain import account as rules
from nurture.domain.account import Hold
from nurture.domain.refusal import Cause
from nurture.store import account
from nurture.store.session import Connection, Database


@dataclass(frozen=True, slots=True)
class AccountState:
    """How the account stands: held or open, and for how many what is due has to wait."""

    hold: Hold | None
    waiting: int


def hold(
    connection: Connection,
    cause: Cause,
    reason: str,
    now: datetime,
    *,
    wait: timedelta | None = None,
    mark: str = "",
) -> None:
    """Hold the account: nobody gets a mail until a probe is accepted or the owner opens it.

    An account that is held already stays so; a refused probe holds it for twice as long.
    """
    held = account.find_hold(connection, lock=True)
    if held is None:
        account.keep_hold(connection, rules.hold(cause, reason, now, wait, mark))


def hold_after_probe(
    connection: Connection, cause: Cause, reason: str, now: datetime, wait: timedelta | None
) -> None:
    """The probe was refused as well: hold the account for longer."""
    held = account.find_hold(connection, lock=True)
    if held is not None:
        account.keep_hold(connection, rules.held_again(held, cause, reason, now, wait))


def try_soon(connection: Connection, now: datetime) -> None:
    """The probe told nothing of the account: let another follow soon."""
    held = account.find_hold(connection, lock=True)
    if held is not None:
        account.keep_hold(connection, rules.undecided(held, now))


def open_again(database: Database, now: datetime) -> bool:
    """Have the account tried at once, on the owner's word; return whether it was held."""
    with database.writing() as connection:
        held = account.find_hold(connection, lock=True)
        if held is None:
            return False
        account.drop_hold(connection)
    return True
