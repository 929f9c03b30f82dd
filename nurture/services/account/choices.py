"""What the owner chooses for the mail account: its kind, its limits, and warming up a domain."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from nurture.domain.account.limits import NUMBERS, Limits, Window
from nurture.domain.account.presets import (
    PRESETS,
    UNLIMITED,
    AccountChoices,
    LimitError,
    limits_in_force,
    read_number,
)
from nurture.services.owner.practice import SlipsError
from nurture.store.database import Database
from nurture.store.tables import account_limits, offers

#: The environment variable that fixes each field of the form.
SETTINGS: Mapping[str, str] = {"preset": "NURTURE_ACCOUNT"} | {
    name: f"NURTURE_LIMIT_{name.upper()}" for name in NUMBERS
}


@dataclass(frozen=True, slots=True)
class SavedChoices:
    """What follows from saving: the limits in force, what is used of a day, and any change."""

    limits: Limits
    used: int
    changed: bool


def as_typed(choices: AccountChoices) -> dict[str, str]:
    """Return choices as the form shows them."""
    typed = {name: _as_typed(getattr(choices, name)) for name in NUMBERS}
    return {"preset": choices.preset or ""} | typed


def _as_typed(number: int | None) -> str:
    if number is None:
        return ""
    return "none" if number == UNLIMITED else str(number)


def fixed_fields(fixed: AccountChoices) -> dict[str, str]:
    """Return the fields that the environment decides, with what they are set to."""
    return {name: text for name, text in as_typed(fixed).items() if text}


def save_choices(
    database: Database, fixed: AccountChoices, said: Mapping[str, str], now: datetime
) -> SavedChoices:
    """Store what was typed; raise `SlipsError` if any of it is no limit.

    What the environment decides is left as it was stored.
    """
    decided = fixed_fields(fixed)
    free = {name: said.get(name, "") for name in SETTINGS if name not in decided}
    values = _read(free)
    with database.writing() as connection:
        before = account_limits.find_account(connection).own
        own = AccountChoices(**asdict(before) | values)
        if own != before:
            account_limits.keep_choices(connection, own)
        used = offers.count_used(connection, (Window.DAY,), now)[Window.DAY]
    return SavedChoices(limits_in_force(fixed, own), used, own != before)


def _read(said: Mapping[str, str]) -> dict[str, str | int | None]:
    values: dict[str, str | int | None] = {}
    slips: dict[str, str] = {}
    for name, text in said.items():
        try:
            values[name] = _preset(text) if name == "preset" else read_number(text)
        except LimitError as error:
            slips[name] = f"{str(error)[:1].upper()}{str(error)[1:]}, or nothing."
    if slips:
        raise SlipsError(slips)
    return values


def _preset(key: str) -> str | None:
    if key and key not in PRESETS:
        raise LimitError("choose one of the kinds of account in the list")
    return key or None


def begin_warm_up(database: Database, now: datetime) -> bool:
    """Warm up a new domain from now on; return whether that is news."""
    with database.writing() as connection:
        if account_limits.find_account(connection).warming_since is not None:
            return False
        account_limits.keep_warming(connection, now)
    return True


def end_warm_up(database: Database) -> None:
    """Let broadcasts leave as fast as the account allows."""
    with database.writing() as connection:
        account_limits.keep_warming(connection, None)
