"""Owners: who may open the studio, and the one-time links with which they set a password."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from nurture.store.database import insert_new
from nurture.store.types import UtcDateTime, metadata

owners = sa.Table(
    "owners",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("address", sa.Text, nullable=False, unique=True),
    sa.Column("password_hash", sa.Text),
    # Codes are computed from it, so it must be readable; it is sealed so that anyone who reads the
    # database does not have both factors.
    sa.Column("totp_secret", sa.Text),
    sa.Column("totp_pending", sa.Text),
    sa.Column("totp_counter", sa.Integer, nullable=False),
    sa.Column("added_at", UtcDateTime, nullable=False),
)

owner_links = sa.Table(
    "owner_links",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("owner_id", sa.ForeignKey("owners.id"), nullable=False, index=True),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("code_hash", sa.Text, primary_key=True),
    sa.Column("owner_id", sa.ForeignKey("owners.id"), nullable=False, index=True),
)


_Chosen = sa.Select[int, str, str | None, str | None, str | None, datetime]


@dataclass(frozen=True, slots=True)
class Owner:
    """A person who may open the studio; `totp_secret` is set while codes are required."""

    id: int
    address: str
    password_hash: str | None
    totp_secret: str | None
    totp_pending: str | None
    added_at: datetime


def add_owner(connection: sa.Connection, address: str, now: datetime) -> int:
    """Add the owner with that address if they are not known yet; return their number."""
    row = {"address": address, "totp_counter": 0, "added_at": now}
    insert_new(connection, owners, [row])
    return int(connection.scalars(sa.select(owners.c.id).where(owners.c.address == address)).one())


def find_owner(connection: sa.Connection, owner: int) -> Owner | None:
    """Return the owner with that number."""
    return _one(connection, _chosen().where(owners.c.id == owner))


def find_owner_by_address(connection: sa.Connection, keys: Collection[str]) -> Owner | None:
    """Return the owner of an address, given all of its keys."""
    return _one(connection, _chosen().where(owners.c.address.in_(keys)).order_by(owners.c.id))


def all_owners(connection: sa.Connection) -> list[Owner]:
    """Return everyone who may open the studio, in the order they were added."""
    return [Owner(*row) for row in connection.execute(_chosen().order_by(owners.c.id))]


def remove_owner(connection: sa.Connection, owner: int) -> None:
    """Delete an owner; their sessions must be ended first."""
    connection.execute(sa.delete(owner_links).where(owner_links.c.owner_id == owner))
    replace_recovery_codes(connection, owner, ())
    connection.execute(sa.delete(owners).where(owners.c.id == owner))


def set_password_hash(connection: sa.Connection, owner: int, password_hash: str) -> None:
    """Set the hash that the owner's password is checked against from now on."""
    change = sa.update(owners).where(owners.c.id == owner)
    connection.execute(change.values(password_hash=password_hash))


def set_pending_secret(connection: sa.Connection, owner: int, secret: str) -> None:
    """Store a secret until its first code has shown that a phone has it."""
    connection.execute(sa.update(owners).where(owners.c.id == owner).values(totp_pending=secret))


def set_secret(connection: sa.Connection, owner: int, secret: str | None, counter: int) -> None:
    """Require codes made with that secret, or none at all; codes up to `counter` are spent."""
    connection.execute(
        sa.update(owners)
        .where(owners.c.id == owner)
        .values(totp_secret=secret, totp_pending=None, totp_counter=counter)
    )


def replace_secrets(
    connection: sa.Connection, owner: int, secret: str | None, pending: str | None
) -> None:
    """Store the same secrets in another form."""
    values = {"totp_secret": secret, "totp_pending": pending}
    connection.execute(sa.update(owners).where(owners.c.id == owner).values(values))


def spend_code(connection: sa.Connection, owner: int, counter: int) -> bool:
    """Use up the code of that time step; return false if it or a later one was used before."""
    unspent = (owners.c.id == owner) & (owners.c.totp_counter < counter)
    return (
        connection.execute(sa.update(owners).where(unspent).values(totp_counter=counter)).rowcount
        > 0
    )


def replace_recovery_codes(connection: sa.Connection, owner: int, hashes: Iterable[str]) -> None:
    """Replace the owner's recovery codes with these."""
    connection.execute(sa.delete(recovery_codes).where(recovery_codes.c.owner_id == owner))
    rows = [{"code_hash": one, "owner_id": owner} for one in hashes]
    if rows:
        connection.execute(sa.insert(recovery_codes), rows)


def spend_recovery_code(connection: sa.Connection, owner: int, code_hash: str) -> bool:
    """Use up a recovery code; return whether it existed."""
    that = (recovery_codes.c.owner_id == owner) & (recovery_codes.c.code_hash == code_hash)
    return connection.execute(sa.delete(recovery_codes).where(that)).rowcount > 0


def put_link(connection: sa.Connection, owner: int, token_hash: str, expires_at: datetime) -> None:
    """Make a link valid, and every earlier one invalid."""
    connection.execute(sa.delete(owner_links).where(owner_links.c.owner_id == owner))
    row = {"token_hash": token_hash, "owner_id": owner, "expires_at": expires_at}
    connection.execute(sa.insert(owner_links).values(row))


def find_link(connection: sa.Connection, token_hash: str, now: datetime) -> Owner | None:
    """Return the owner of a link that has been neither used nor expired."""
    valid = (owner_links.c.token_hash == token_hash) & (owner_links.c.expires_at > now)
    return _one(connection, _chosen().join(owner_links).where(valid))


def use_link(connection: sa.Connection, token_hash: str) -> bool:
    """Use up a link; return false if someone else was quicker."""
    used = sa.delete(owner_links).where(owner_links.c.token_hash == token_hash)
    return connection.execute(used).rowcount > 0


def _chosen() -> _Chosen:
    return sa.select(
        owners.c.id,
        owners.c.address,
        owners.c.password_hash,
        owners.c.totp_secret,
        owners.c.totp_pending,
        owners.c.added_at,
    )


def _one(connection: sa.Connection, query: _Chosen) -> Owner | None:
    row = connection.execute(query).one_or_none()
    return Owner(*row) if row else None
