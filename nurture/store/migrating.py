"""Bringing a database to the present shape of the tables."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

_MIGRATIONS = Path(__file__).parent / "migrations"


class UnknownRevisionError(Exception):
    """No such migration is known here; a newer version has made it."""


def migrate(url: str) -> None:
    """Create or upgrade the tables; safe to run twice and from several processes at once."""
    command.upgrade(_config(url), "head")


def migrate_to(url: str, revision: str) -> None:
    """Create the tables as they were at that revision; raises `UnknownRevisionError`."""
    config = _config(url)
    try:
        ScriptDirectory.from_config(config).get_revision(revision)
    except CommandError:
        raise UnknownRevisionError(revision) from None
    command.upgrade(config, revision)


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = url
    return config
