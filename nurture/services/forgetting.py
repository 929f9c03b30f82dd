"""Forgetting: what is not needed any more goes by itself."""

from datetime import datetime, timedelta

from nurture.store import hits
from nurture.store.session import Database
from nurture.store.signups import forget_old_keys

#: So many events are gone through in one transaction.
_CHUNK = 20_000

#: Nobody repeats a signup call after this long.
_KEYS_KEPT_FOR = timedelta(days=7)


def tidy(database: Database, now: datetime) -> int:
    """Drop idempotency keys that have served; return how many."""
    with database.writing() as connection:
        return forget_old_keys(connection, now, _KEYS_KEPT_FOR)


def drop_raw(database: Database, now: datetime, retention: timedelta) -> int:
    """Drop the addresses, user agents and the like of opens and clicks older than `retention`.

    Verdicts and their reasons stay. Returns how many events had something to drop.
    """
    with database.reading() as connection:
        newest = hits.newest_number(connection)
    dropped = 0
    for first in range(1, newest + 1, _CHUNK):
        numbers = range(first, min(first + _CHUNK, newest + 1))
        with database.writing() as connection:
            dropped += hits.drop_raw(connection, numbers, now - retention)
    return dropped
