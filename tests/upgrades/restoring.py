"""Restoring an older database for a test to work with."""

import gzip
import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

FOLDER = Path(__file__).parent
STATES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name.isdigit())


@dataclass(frozen=True)
class Seen:
    """What the old version said about everyone, and what it had sent, by that moment."""

    document: dict[str, Any]

    @property
    def now(self) -> datetime:
        """When the copy was made."""
        return datetime.fromisoformat(self.document["now"])

    @property
    def people(self) -> list[str]:
        """Everyone it knew."""
        return sorted(self.document["why"])

    def why(self, address: str) -> dict[str, Any]:
        """Return what it said about a person."""
        found: dict[str, Any] = self.document["why"][address]
        return found

    def link(self, address: str, kind: str) -> str:
        """Return a person's newest link of one kind."""
        mails = [mail["links"] for mail in self.document["mails"] if mail["to"] == address]
        found: str = next(links[kind] for links in reversed(mails) if kind in links)
        return found


@cache
def seen(state: str, engine: str) -> Seen:
    """Return the observations stored next to a database."""
    text = gzip.decompress((FOLDER / state / f"{engine}.json.gz").read_bytes())
    return Seen(json.loads(text))


def restore(state: str, url: str) -> Seen:
    """Fill an empty database; return what its own version said about it."""
    engine = make_url(url).get_backend_name()
    script = gzip.decompress((FOLDER / state / f"{engine}.sql.gz").read_bytes()).decode()
    {"sqlite": _into_sqlite, "postgresql": _into_postgresql}[engine](url, script)
    return seen(state, engine)


# Leases are told by the machine's own clock, which has gone on since the copy was made.
_LET_GO = "UPDATE messages SET lease_until = '2020-01-01 00:00:00' WHERE lease_until IS NOT NULL"


def _into_sqlite(url: str, script: str) -> None:
    connection = sqlite3.connect(make_url(url).database or "")
    connection.executescript(script)
    connection.execute(_LET_GO)
    connection.commit()
    connection.close()


def _into_postgresql(url: str, script: str) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute(script.encode())
        connection.execute("SET search_path = public")
        connection.execute(_LET_GO)
