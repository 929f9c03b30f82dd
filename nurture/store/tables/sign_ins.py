"""Sign-ins: the sessions of owners' browsers, and the attempts to start one."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from nurture.store.tables.owners import owners
from nurture.store.types import UtcDateTime, metadata

owner_sessions = sa.Table(
    "owner_sessions",
    metadata,
    sa.Column("id_hash", sa.Text, primary_key=True),
    sa.Column("owner_id", sa.ForeignKey("owners.id"), nullable=False, index=True),
    # Whether the password was right and the second-factor code is still outstanding.
    sa.Column("awaits_code", sa.Boolean, nullable=False),
    sa.Column("began_at", UtcDateTime, nullable=False, index=True),
    sa.Column("used_at", UtcDateTime, nullable=False),
)

sign_in_attempts = sa.Table(
    "sign_in_attempts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("tried_at", UtcDateTime, nullable=False, index=True),
    sa.Index("ix_sign_in_attempts_account_tried_at", "account", "tried_at"),
    sa.Index("ix_sign_in_attempts_client_tried_at", "client", "tried_at"),
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
    connection: sa.Connection, id_hash: str, owner: int, awaits_code: bool, now: datetime
) -> None:
    """Begin a session."""
    connection.execute(
        sa.insert(owner_sessions).values(
            id_hash=id_hash, owner_id=owner, awaits_code=awaits_code, began_at=now, used_at=now
        )
    )


def find_session(connection: sa.Connection, id_hash: str) -> Session | None:
    """Return the session with that identifier, whether or not it has expired."""
    found = connection.execute(
        sa.select(
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


def note_use(connection: sa.Connection, id_hash: str, now: datetime) -> None:
    """Record that a session is in use."""
    of_session = owner_sessions.c.id_hash == id_hash
    connection.execute(sa.update(owner_sessions).where(of_session).values(used_at=now))


def end_session(connection: sa.Connection, id_hash: str) -> bool:
    """End one session; return whether there was one."""
    ended = sa.delete(owner_sessions).where(owner_sessions.c.id_hash == id_hash)
    return connection.execute(ended).rowcount > 0


def end_sessions_of(connection: sa.Connection, owner: int) -> int:
    """End every session of an owner; return how many there were."""
    ended = sa.delete(owner_sessions).where(owner_sessions.c.owner_id == owner)
    return connection.execute(ended).rowcount


def count_sessions(connection: sa.Connection, owner: int, since: datetime) -> int:
    """Count the browsers in which an owner is signed in, if they have been used since then."""
    signed_in = (owner_sessions.c.owner_id == owner) & (owner_sessions.c.used_at > since)
    query = sa.select(sa.func.count()).select_from(owner_sessions).where(signed_in)
    return connection.scalar(query.where(owner_sessions.c.awaits_code.is_(False))) or 0


def add_attempt(connection: sa.Connection, account: str, client: str, now: datetime) -> int:
    """Record an attempt, which counts as failed until it is forgotten; return its number."""
    row = {"account": account, "client": client, "tried_at": now}
    added = sa.insert(sign_in_attempts).values(row).returning(sign_in_attempts.c.id)
    return int(connection.scalars(added).one())


def forget_attempt(connection: sa.Connection, attempt: int) -> None:
    """Forget an attempt, because it succeeded."""
    connection.execute(sa.delete(sign_in_attempts).where(sign_in_attempts.c.id == attempt))


def count_failures(
    connection: sa.Connection, account: str, client: str, since: datetime
) -> Failures:
    """Count the attempts that have failed since then, including those still under way."""
    recent = sign_in_attempts.c.tried_at > since
    counted = [
        connection.scalar(
            sa.select(sa.func.count()).select_from(sign_in_attempts).where(recent, that)
        )
        or 0
        for that in (sign_in_attempts.c.account == account, sign_in_attempts.c.client == client)
    ]
    return Failures(*counted)


def forget_old(connection: sa.Connection, tried_before: datetime, began_before: datetime) -> None:
    """Delete attempts and sessions that no longer mean anything."""
    connection.execute(
        sa.delete(sign_in_attempts).where(sign_in_attempts.c.tried_at < tried_before)
    )
    connection.execute(sa.delete(owner_sessions).where(owner_sessions.c.began_at < began_before))
