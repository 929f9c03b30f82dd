"""Copying out: every opt-out reaches the place of the backups within a minute."""

from collections.abc import Sequence
from datetime import datetime

from nurture.archive.journal import WithdrawalJournal, WithdrawalLine
from nurture.store.database import Database
from nurture.store.tables.withdrawals import happened_after, newest_withdrawal, withdrawals_after

#: This many are copied together.
_CHUNK = 1000


def copy_out(database: Database, journal: WithdrawalJournal, now: datetime) -> int:
    """Append to the journal what was withdrawn since its last line; return how many lines.

    It is cheap if there is nothing new. A crash at any moment costs nothing: the next call
    continues after the last whole line. May raise `OSError` or `PlaceError`.
    """
    copied = 0
    while to_copy(database, journal):
        copied += journal.append(lambda last: _more(database, last, now))
    return copied


def to_copy(database: Database, journal: WithdrawalJournal) -> int:
    """Return how many withdrawals are not in the journal yet."""
    with database.reading() as connection:
        newest = newest_withdrawal(connection)
    return newest - _begun(journal.last_number(newest), newest)


def waiting_since(database: Database, journal: WithdrawalJournal) -> datetime | None:
    """Return when the first withdrawal missing from the journal was made; `None` if none is.

    May raise `OSError` or `PlaceError`.
    """
    with database.reading() as connection:
        newest = newest_withdrawal(connection)
    begun = _begun(journal.last_number(newest), newest)
    with database.reading() as connection:
        return happened_after(connection, begun)


def _more(database: Database, last: int, now: datetime) -> Sequence[WithdrawalLine]:
    with database.writing() as connection:
        begun = _begun(last, newest_withdrawal(connection))
        found = withdrawals_after(connection, begun, _CHUNK)
    return [
        WithdrawalLine(one.id, one.address_hash, one.kind, one.happened_at, now) for one in found
    ]


def _begun(last: int, newest: int) -> int:
    """Return the last copied number; 0 if the database is an earlier one."""
    return last if last <= newest else 0
