"""Backups: each attempt and its outcome, to inform the owner and make only one per night."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Integer, Table, Text, func, select, update

from nurture.store.database import insert_new
from nurture.store.types import UtcDateTime, metadata

backups = Table(
    "backups",
    metadata,
    Column("id", Integer, primary_key=True),
    # What it is made for: a night and the number of the attempt, so that only one machine makes it.
    Column("occasion", Text, nullable=False, unique=True),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("file", Text, nullable=False, default=""),
    # The size of a good backup in kilobytes, so that no number is too large.
    Column("size", Integer),
    Column("rows", Integer),
    Column("sha256", Text),
    # Why it is not good; empty if it is, or if nobody knows yet.
    Column("trouble", Text, nullable=False, default=""),
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One backup, or an attempt at one; it is good if it has a digest and no trouble."""

    id: int
    occasion: str
    begun_at: datetime
    ended_at: datetime | None
    file: str
    size: int | None
    rows: int | None
    sha256: str | None
    trouble: str

    @property
    def good(self) -> bool:
        """Whether it was read back, restored and found to be complete."""
        return self.sha256 is not None and not self.trouble


@dataclass(frozen=True)
class ProvenBackup:
    """What is recorded about a good backup; `size` is in kilobytes."""

    file: str
    size: int
    rows: int
    sha256: str


def begin_backup(connection: Connection, occasion: str, now: datetime) -> int | None:
    """Record that a backup begins; return `None` if another process has begun that one."""
    row = {"occasion": occasion, "begun_at": now}
    new = insert_new(connection, backups, [row], "id")
    return new[0].id if new else None


def end_backup(
    connection: Connection,
    number: int,
    now: datetime,
    found: ProvenBackup | None,
    trouble: str = "",
) -> None:
    """Record the outcome of a backup: what was proven, or what went wrong."""
    values = {"ended_at": now, "trouble": trouble, **(asdict(found) if found else {})}
    connection.execute(update(backups).where(backups.c.id == number).values(values))


def last_attempt(connection: Connection) -> Attempt | None:
    """Return the newest attempt."""
    return _first(connection, backups.c.id.is_not(None))


def last_good(connection: Connection) -> Attempt | None:
    """Return the newest good backup."""
    return _first(connection, backups.c.sha256.is_not(None) & (backups.c.trouble == ""))


def count_for(connection: Connection, night: str) -> int:
    """Count the attempts for one night."""
    that = backups.c.occasion.like(f"{night}#%")
    return connection.scalar(select(func.count()).select_from(backups).where(that)) or 0


def _first(connection: Connection, where: object) -> Attempt | None:
    newest = select(backups).where(where).order_by(backups.c.id.desc()).limit(1)  # type: ignore[arg-type]
    row = connection.execute(newest).mappings().first()
    return Attempt(**row) if row else None
