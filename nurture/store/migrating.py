"""Bringing a database to the present shape of the tables."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from nurture.store.session import Database

_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(url: str) -> None:
    """Create or upgrade the tables; safe to run twice and from several processes at once."""
    command.upgrade(_config(url), "head")


def is_current(database: Database) -> bool:
    """Whether the database has the shape that this program expects."""
    with database.reading() as connection:
        at = MigrationContext.configure(connection).get_current_revision()
    return at == ScriptDirectory.from_config(_config(database.url)).get_current_head()


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = url
    return config
