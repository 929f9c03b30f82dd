"""The grant with which a connected mail account is used: one row, its secrets sealed."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.account.token_life import TokenLife
from nurture.store.types import UtcDateTime, metadata

#: One row while an account is connected; none otherwise. `connected_at` and `lapsed_at` are
#: business time; the token's life and the lease concern machines and are real time.
grants = sa.Table(
    "grants",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    # Sealed, so that the database alone does not let anyone into the mailbox.
    sa.Column("client_secret", sa.Text, nullable=False),
    sa.Column("refresh_token", sa.Text, nullable=False),
    sa.Column("access_token", sa.Text, nullable=False),
    sa.Column("renew_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("connected_at", UtcDateTime, nullable=False),
    sa.Column("lapsed_at", UtcDateTime),
    sa.Column("lapsed_because", sa.Text, nullable=False),
    # Until then, one process asks the provider and no other does.
    sa.Column("leased_until", UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class Grant:
    """The permission to use an account; the three secrets are as they are stored, sealed.

    An `access_token` is empty if there is none. `lapsed_because` is a sentence.
    """

    provider: str
    account: str
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_token: str = field(repr=False)
    renew_at: datetime
    expires_at: datetime
    connected_at: datetime
    lapsed_at: datetime | None = None
    lapsed_because: str = ""
    leased_until: datetime | None = None

    @property
    def life(self) -> TokenLife:
        """The life of the access token."""
        return TokenLife(self.renew_at, self.expires_at)

    def is_leased(self, real_now: datetime) -> bool:
        """Return whether a process is asking the provider, or no one is to ask it yet."""
        return self.leased_until is not None and self.leased_until > real_now


_COLUMNS = [grants.c[each.name] for each in fields(Grant)]


def find_grant(connection: sa.Connection, *, lock: bool = False) -> Grant | None:
    """Return the grant of the connected account, or `None` if no account is connected."""
    chosen = sa.select(*_COLUMNS)
    row = connection.execute(chosen.with_for_update() if lock else chosen).first()
    return None if row is None else Grant(*row)


def keep_grant(connection: sa.Connection, grant: Grant) -> None:
    """Replace whatever account was connected by this one."""
    drop_grant(connection)
    values = {each.name: getattr(grant, each.name) for each in fields(Grant)}
    connection.execute(sa.insert(grants).values(id=1, **values))


def change_grant(connection: sa.Connection, **values: Any) -> None:
    """Change columns of the grant, if there is one; the caller has locked it."""
    connection.execute(sa.update(grants).values(values))


def drop_grant(connection: sa.Connection) -> bool:
    """Forget the grant with its secrets; return whether there was one."""
    return connection.execute(sa.delete(grants)).rowcount > 0
