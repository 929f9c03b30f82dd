"""Which running instance this database belongs to; a copy must stay silent."""

from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import Column, Connection, Integer, Table, Text, func, select, text, update

from nurture.store.database import Database, DatabaseUnavailableError, insert_new
from nurture.store.tables.consents import consents
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.types import UtcDateTime, metadata

#: Replace a fingerprint, so that nothing may be sent: a restore under way, and a complete one.
RESTORING, RESTORED = "restoring", "restored"

instance = Table(
    "instance",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("armed_for", Text, nullable=False),
    Column("armed_at", UtcDateTime, nullable=False),
)


def armed_for(connection: Connection, fingerprint: str, now: datetime) -> str:
    """Return the fingerprint that may send; a database that never sent is armed for this one."""
    row = {"id": 1, "armed_for": fingerprint, "armed_at": now}
    found = connection.scalar(select(instance.c.armed_for))
    if found is None:
        insert_new(connection, instance, [row])
        found = connection.scalars(select(instance.c.armed_for)).one()
    return str(found)


def is_armed(connection: Connection, fingerprint: str, seen: int) -> bool:
    """Return whether this instance may send from this database.

    It may if nobody has sent yet, or if it was the last to send; it may not if the database is
    behind what its witness has `seen`, because then it is an old copy.
    """
    found = connection.scalar(select(instance.c.armed_for))
    return found in (None, fingerprint) and how_far(connection) >= seen


def is_being_restored(connection: Connection) -> bool:
    """Return whether a restore is under way, or was interrupted."""
    return connection.scalar(select(instance.c.armed_for)) == RESTORING


def how_far(connection: Connection) -> int:
    """Return a number that grows with every message, consent and event.

    It must never shrink: code that deletes rows of these tables must leave the newest ones.
    """
    newest = [
        connection.scalar(select(func.max(table.c.id))) or 0
        for table in (messages, consents, events)
    ]
    return sum(newest)


def arm(connection: Connection, fingerprint: str, now: datetime) -> None:
    """Let only the instance with that fingerprint send from now on."""
    armed_for(connection, fingerprint, now)
    connection.execute(update(instance).values(armed_for=fingerprint, armed_at=now))


def time_of(connection: Connection) -> datetime | None:
    """Return the time by a server's own clock; the embedded database has none."""
    if connection.dialect.name == "sqlite":
        return None
    found: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found.astimezone(UTC)


def fingerprint(database: Database) -> str:
    """Return what distinguishes this database from its copies, in hexadecimal.

    The embedded database is identified by its file, on this machine and at this path; PostgreSQL by
    its cluster, its number there and the address it is reached at.
    """
    known = _of_file(database) if database.is_sqlite else _of_server(database)
    return blake2b(known.encode(), digest_size=16).hexdigest()


def _of_file(database: Database) -> str:
    path = Path(database.engine.url.database or "").resolve()
    if not path.exists():
        raise DatabaseUnavailableError(f"There is no database at {path}.")
    machine = Path("/etc/machine-id")
    known = machine.read_text().strip() if machine.is_file() else ""
    return f"{known}:{path}:{path.stat().st_ino}"


def _of_server(database: Database) -> str:
    url = database.engine.url
    with database.reading() as connection:
        cluster = connection.scalar(text("SELECT system_identifier FROM pg_control_system()"))
        number = connection.scalar(
            text("SELECT oid FROM pg_database WHERE datname = current_database()")
        )
    return f"{cluster}:{number}:{url.host}:{url.port}:{url.database}"
