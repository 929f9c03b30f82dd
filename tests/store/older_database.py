"""A database at an earlier revision, for tests of what a migration does with its rows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, create_engine, insert

from nurture.store import migrate

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SOON = NOW + timedelta(days=14)


def migrate_to(url: str, revision: str) -> None:
    """Migrate a database to a revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.attributes["url"] = url
    command.upgrade(config, revision)


class Before:
    """A database at an earlier revision, into which rows are written."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
        self.tables = MetaData()
        self.tables.reflect(self.engine)

    def add(self, table: str, **values: object) -> int:
        """Write one row; return its number."""
        stored = {
            name: value.replace(tzinfo=None)
            if isinstance(value, datetime) and self.engine.dialect.name == "sqlite"
            else value
            for name, value in values.items()
        }
        with self.engine.begin() as connection:
            key = connection.execute(insert(self.tables.tables[table]).values(stored))
        number, *_ = key.inserted_primary_key or [0]
        return number if isinstance(number, int) else 0

    def consent(self, person: int, source: str, purpose: str, granted: bool) -> int:
        """Add a record of what they agreed to or withdrew."""
        texts = ("wording", "wording_hash", "privacy_version", "page_url", "client", "user_agent")
        said = {"source": source, "purpose": purpose, "granted": granted, "recorded_at": NOW}
        return self.add("consents", subscriber_id=person, **said, **dict.fromkeys(texts, ""))

    def person(self, name: str, **more: object) -> int:
        """Add a person."""
        row = {"purposes": "guide marketing"} | more
        return self.add(
            "subscribers",
            address=f"{name}@example.org",
            address_key=f"{name}@example.org",
            address_hash=f"hash-of-{name}",
            first_name=name,
            time_zone="UTC",
            created_at=NOW,
            frequency="usual",
            erased=False,
            **row,
        )

    def enrolment(self, person: int, status: str, **more: object) -> int:
        """Add an ended enrolment for them."""
        row = {
            "sequence": "pain-guide",
            "enrolled_at": NOW,
            "anchor_at": NOW,
            "passed": "",
            "guide_wanted": False,
            "guide_wanted_at": NOW,
            "occasion": 1,
            "turn": 0,
            "ended_at": SOON,
        }
        return self.add("enrolments", subscriber_id=person, status=status, **(row | more))

    def event(self, person: int | None, kind: str, source: str, raw: str | None = None) -> int:
        """Add an event that happened to them, or was done for them."""
        key = f"{person}:{kind}:{source}"
        return self.add(
            "events",
            subscriber_id=person,
            kind=kind,
            source=source,
            source_key=key,
            happened_at=SOON,
            verdict="human",
            raw=raw,
        )
