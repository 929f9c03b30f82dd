"""Sign-ins: the sessions of owners' browsers, and the attempts to start one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from nurture.store.tables.owners import owners
from nurture.store.types import UtcDateTime, metadata

owner_sessions = Table(
    "owner_sessions",
    metadata,
    Column("id_hash", Text, primary_key=True),
    Column("owner_id", ForeignKey("owners.id"), nullable=False, index=True),
    # Whether the password was right and the second-factor code is still outstanding.
    Column("awaits_code", Boolean, nullable=False),
    Column("began_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime, nullable=False),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("tried_at", UtcDateTime, nullable=False, index=True),
    Index("ix_sign_in_attempts_account_tried_at", "account", "tried_at"),
    Index("ix_sign_in_attempts_client_tried_at", "client", "tried_at"),
)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser in which an owner signed in."""

    owner: int
    address: str
    awaits_code: bool
    began_at: datetime
    used_at: datetime


@dataclass(frozen=True, slots=True)
class Failures:
    """How many recent attempts failed for one account and from one client."""

    of_account: int
    of_client: int


def add_session(
    connection: Connection, id_hash: str, owner: int, awaits_code: bool, now: datetime
) -> None:
    """Begin a session."""
    connection.execute(
        insert(owner_sessions).values(
            id_hash=id_hash, owner_id=owner, awaits_code=awaits_code, began_at=now, used_at=now
        )
    )


def find_session(connection: Connection, id_hash: str) -> Session | None:
    """Return the session with that identifier, whether or not it has expired."""
    found = connection.execute(
        select(
            owner_sessions.c.owner_id,
            owners.c.address,
            owner_sessions.c.awaits_code,
            owner_sessions.c.began_at,
            owner_sessions.c.used_at,
        )
        .join(owners)
        .where(owner_sessions.c.id_hash == id_hash)
    ).one_or_none()
    return Session(*found) if found else None


def note_use(connection: Connection, id_hash: str, now: datetime) -> None:
    """Record that a session is in use."""
    of_session = owner_sessions.c.id_hash == id_hash
    connection.execute(update(owner_sessions).where(of_session).values(used_at=now))


def end_session(connection: Connection, id_hash: str) -> bool:
    """End one session; return whether there was one."""
    ended = delete(owner_sessions).where(owner_sessions.c.id_hash == id_hash)
    return connection.execute(ended).rowcount > 0


def end_sessions_of(connection: Connection, owner: int) -> int:
    """End every session of an owner; return how many there were."""
    ended = delete(owner_sessions).where(owner_sessions.c.owner_id == owner)
    return connection.execute(ended).rowcount


def count_sessions(connection: Connection, owner: int, since: datetime) -> int:
    """Count the browsers in which an owner is signed in, if they have been used since then."""
    signed_in = (owner_sessions.c.owner_id == owner) & (owner_sessions.c.used_at > since)
    query = select(func.count()).select_from(owner_sessions).where(signed_in)
    return connection.scalar(query.where(owner_sessions.c.awaits_code.is_(False))) or 0


def add_attempt(connection: Connection, account: str, client: str, now: datetime) -> int:
    """Record an attempt, which counts as failed until it is forgotten; return its number."""
    row = {"account": account, "client": client, "tried_at": now}
    added = insert(sign_in_attempts).values(row).returning(sign_in_attempts.c.id)
    return int(connection.scalars(added).one())


def forget_attempt(connection: Connection, attempt: int) -> None:
    """Forget an attempt, because it succeeded."""
    connection.execute(delete(sign_in_attempts).where(sign_in_attempts.c.id == attempt))


def count_failures(connection: Connection, account: str, client: str, since: datetime) -> Failures:
    """Count the attempts that have failed since then, including those still under way."""
    recent = sign_in_attempts.c.tried_at > since
    counted = [
        connection.scalar(select(func.count()).select_from(sign_in_attempts).where(recent, that))
        or 0
        for that in (sign_in_attempts.c.account == account, sign_in_attempts.c.client == client)
    ]
    return Failures(*counted)


def forget_old(connection: Connection, tried_before: datetime, began_before: datetime) -> None:
    """Delete attempts and sessions that no longer mean anything."""
    connection.execute(delete(sign_in_attempts).where(sign_in_attempts.c.tried_at < tried_before))
    connection.execute(delete(owner_sessions).where(owner_sessions.c.began_at < began_before))
