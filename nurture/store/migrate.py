"""Upgrading a database to the current shape of its tables.

Alembic is imported only when there is something to do: otherwise every start of the program would
wait for it, and every process would keep it in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nurture.domain.errors import NurtureError
from nurture.store.database import Database, NewerDatabaseError, first_line
from nurture.store.shape import MIGRATIONS, NEWEST

if TYPE_CHECKING:
    from alembic.config import Config


class UpgradeFailedError(NurtureError):
    """An upgrade of the tables that failed and left them unchanged."""

    def __init__(self, before: str, reason: str) -> None:
        super().__init__(
            f"The database could not be brought up to date, from {before} to {NEWEST}: {reason}.",
            remedy="Nothing in it has been changed. To go back, install the version of nurture "
            "that ran before and start that: it goes on where it stopped.",
        )


class UnknownRevisionError(Exception):
    """A migration that is unknown here, because a newer version made it."""


def migrate(url: str) -> None:
    """Create or upgrade the tables; safe to run twice and from several processes at once.

    The whole upgrade happens or none of it. Raise `UpgradeFailedError` if existing tables could not
    be upgraded, and `NewerDatabaseError` if a newer program has changed them.
    """
    before = _shape_at(url)
    if before == NEWEST:
        return
    from alembic import command

    try:
        command.upgrade(_config(url), "head")
    except NewerDatabaseError:
        raise
    except Exception as error:
        if before is None:
            raise
        raise UpgradeFailedError(str(before), first_line(error)) from error


def _shape_at(url: str) -> str | None:
    database = Database(url)
    try:
        return database.find_shape()
    finally:
        database.close()


def migrate_to(url: str, revision: str) -> None:
    """Create the tables as they were at that revision, or raise `UnknownRevisionError`."""
    from alembic import command
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = _config(url)
    try:
        ScriptDirectory.from_config(config).get_revision(revision)
    except CommandError:
        raise UnknownRevisionError(revision) from None
    command.upgrade(config, revision)


def _config(url: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config
