"""The account's limits as the owner set them, and since when emails have been waiting for it."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from nurture.domain.account.presets import NO_CHOICES, AccountChoices
from nurture.store.database import insert_new
from nurture.store.types import UtcDateTime, metadata

#: One row. Whoever counts what the account may still send locks it, so that no two claims do so at
#: the same time.
account_limits = sa.Table(
    "account_limits",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("preset", sa.Text),
    # The owner's own numbers: null as the preset says, zero for no limit.
    sa.Column("per_minute", sa.Integer),
    sa.Column("per_hour", sa.Integer),
    sa.Column("per_day", sa.Integer),
    sa.Column("connections", sa.Integer),
    # Since when a new domain is being warmed up.
    sa.Column("warming_since", UtcDateTime),
    # Since when due emails have been waiting for the account, all the time.
    sa.Column("waiting_since", UtcDateTime),
)

_ROW = {"id": 1}


class AccountRow(NamedTuple):
    """What the owner has chosen, since when a new domain is warmed up, and emails have waited."""

    own: AccountChoices = NO_CHOICES
    warming_since: datetime | None = None
    waiting_since: datetime | None = None


def find_account(connection: sa.Connection) -> AccountRow:
    """Return what is known about the account."""
    row = connection.execute(sa.select(account_limits)).one_or_none()
    if row is None:
        return AccountRow()
    numbers = (row.per_minute, row.per_hour, row.per_day, row.connections)
    return AccountRow(AccountChoices(row.preset, *numbers), row.warming_since, row.waiting_since)


def keep_choices(connection: sa.Connection, choices: AccountChoices) -> None:
    """Store what the owner has chosen."""
    _change(
        connection,
        preset=choices.preset,
        per_minute=choices.minute,
        per_hour=choices.hour,
        per_day=choices.day,
        connections=choices.connections,
    )


def keep_warming(connection: sa.Connection, since: datetime | None) -> None:
    """Record since when a new domain has been warmed up; `None` if none is."""
    _change(connection, warming_since=since)


def hold_account(connection: sa.Connection) -> None:
    """Let no one else count what the account may still send until this transaction ends."""
    insert_new(connection, account_limits, [_ROW])
    connection.execute(sa.select(account_limits.c.id).with_for_update())


def note_waiting(connection: sa.Connection, now: datetime) -> None:
    """Record that due emails wait for the account from now on, unless they did already."""
    insert_new(connection, account_limits, [_ROW])
    since = account_limits.c.waiting_since
    not_yet = since.is_(None) | (since > now)
    connection.execute(sa.update(account_limits).where(not_yet).values(waiting_since=now))


def end_waiting(connection: sa.Connection) -> None:
    """Record that nothing waits for the account any more."""
    _change(connection, waiting_since=None)


def _change(connection: sa.Connection, **values: Any) -> None:
    insert_new(connection, account_limits, [_ROW])
    connection.execute(sa.update(account_limits).values(values))
