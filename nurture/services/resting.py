"""Resting: a restored database takes its place, silent until somebody says that it may send."""

from typing import Any

from nurture.store.instance import RESTORED, arm
from nurture.store.session import Database


def settle_in(database: Database) -> dict[str, Any]:
    """Do what must be done before anybody may let a restored database send; say what it was."""
    from nurture.clock import real_now

    with database.writing() as connection:
        arm(connection, RESTORED, real_now())
    return {}
