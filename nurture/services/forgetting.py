"""Forgetting: what is not needed any more goes by itself."""

from datetime import datetime, timedelta

from nurture.store.session import Database
from nurture.store.signups import forget_old_keys

#: Nobody repeats a signup call after this long.
_KEYS_KEPT_FOR = timedelta(days=7)


def tidy(database: Database, now: datetime) -> int:
    """Drop idempotency keys that have served; return how many."""
    with database.writing() as connection:
        return forget_old_keys(connection, now, _KEYS_KEPT_FOR)
