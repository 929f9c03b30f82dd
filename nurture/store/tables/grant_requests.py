"""Connections of a mail account that were begun in the studio and await the provider's answer."""

from dataclasses import dataclass, field, fields
from datetime import datetime

import sqlalchemy as sa

from nurture.store.types import UtcDateTime, metadata

#: At most one row for each owner: a new attempt replaces the last one.
grant_requests = sa.Table(
    "grant_requests",
    metadata,
    sa.Column("owner_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    # These three are sealed.
    sa.Column("client_secret", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("verifier", sa.Text, nullable=False),
    sa.Column("redirect_uri", sa.Text, nullable=False),
    sa.Column("begun_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class GrantRequest:
    """An owner's attempt to connect an account; the secrets are as they are stored, sealed."""

    owner_id: int
    provider: str
    client_id: str
    client_secret: str = field(repr=False)
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    begun_at: datetime


_COLUMNS = [grant_requests.c[each.name] for each in fields(GrantRequest)]


def keep_request(connection: sa.Connection, request: GrantRequest) -> None:
    """Store an attempt in place of the owner's last one."""
    take_request(connection, request.owner_id)
    values = {each.name: getattr(request, each.name) for each in fields(GrantRequest)}
    connection.execute(sa.insert(grant_requests).values(values))


def take_request(connection: sa.Connection, owner_id: int) -> GrantRequest | None:
    """Return an owner's attempt and forget it, so that it is answered only once."""
    theirs = grant_requests.c.owner_id == owner_id
    taken = sa.delete(grant_requests).where(theirs).returning(*_COLUMNS)
    row = connection.execute(taken).first()
    return None if row is None else GrantRequest(*row)
