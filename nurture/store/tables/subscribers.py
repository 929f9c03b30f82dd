"""Subscribers: the people we may email."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from nurture.domain.errors import NurtureError
from nurture.domain.known_words import known
from nurture.domain.scheduling.gate import Frequency, PausedBy
from nurture.domain.subscribers.address import address_key, address_keys
from nurture.domain.subscribers.consent import Consents, Purpose, Scope, read_consents
from nurture.store.database import insert_new
from nurture.store.tables.restores import numbered
from nurture.store.types import UtcDateTime, Words, metadata

#: How people came: through a form, with a list, or entered by the practice.
FORM, IMPORT, HAND = "form", "import", "hand"

#: The columns that say which rights the practice has, besides the consents.
RIGHTS = ("came_by", "basis_unknown", "client_since", "client_until", "client_basis_at")


def _created_at(context: Any) -> Any:
    return context.get_current_parameters()["created_at"]


subscribers = sa.Table(
    "subscribers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    # An address is looked up by its key; an erasure leaves none of the three.
    sa.Column("address", sa.Text),
    sa.Column("address_key", sa.Text, unique=True),
    sa.Column("address_hash", sa.Text, nullable=False, index=True),
    # The keyed hash of the mailbox's own key, if the address is another spelling of it.
    sa.Column("mailbox_hash", sa.Text, index=True),
    sa.Column("first_name", sa.Text, nullable=False, default=""),
    sa.Column("last_name", sa.Text, nullable=False, default="", server_default=""),
    sa.Column("phone", sa.Text, nullable=False, default="", server_default=""),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("confirmed_at", UtcDateTime),
    sa.Column("frequency", sa.Text, nullable=False, default=Frequency.USUAL),
    sa.Column("paused_until", UtcDateTime),
    sa.Column("paused_by", sa.Text),
    # Until when they have had an appointment, as worked out in `domain.subscribers.bookings`.
    sa.Column("booked_until", UtcDateTime),
    # When they last answered a page that showed both of our own boxes.
    sa.Column("boxes_seen_at", UtcDateTime),
    # How they came: FORM, IMPORT or HAND below.
    sa.Column("came_by", sa.Text, nullable=False, default=FORM, server_default=FORM),
    # Whether nothing shows that they agreed to anything, since a list brought their address.
    sa.Column(
        "basis_unknown", sa.Boolean, nullable=False, default=False, server_default=sa.false()
    ),
    # Since when and until when they have been treated by the practice: a state, and no right.
    sa.Column("client_since", UtcDateTime),
    sa.Column("client_until", UtcDateTime),
    # Since when the practice may write to them as its clients: a right, while it is set.
    sa.Column("client_basis_at", UtcDateTime),
    # The current state of the append-only consent records, so that a batch needs no history.
    sa.Column("purposes", Words, nullable=False),
    sa.Column("erased", sa.Boolean, nullable=False, default=False),
    # A hint: since when no sign of life is known. Nobody is asked until it is old enough.
    sa.Column("quiet_since", UtcDateTime, default=_created_at),
    sa.Index(
        "ix_subscribers_quiet",
        "quiet_since",
        sqlite_where=sa.text("confirmed_at IS NOT NULL AND erased = 0"),
        postgresql_where=sa.text("confirmed_at IS NOT NULL AND NOT erased"),
    ),
    sa.Index(
        "ix_subscribers_unconfirmed",
        "created_at",
        sqlite_where=sa.text("confirmed_at IS NULL AND erased = 0"),
        postgresql_where=sa.text("confirmed_at IS NULL AND NOT erased"),
    ),
)


class AddedMeanwhileError(NurtureError):
    """Another transaction has added the same person, or a row with the same number."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person we may email."""

    id: int
    address: str
    address_hash: str
    first_name: str
    time_zone: str
    confirmed_at: datetime | None
    frequency: Frequency
    paused_until: datetime | None
    consents: Consents
    paused_by: PausedBy = PausedBy.PERSON
    booked_until: datetime | None = None
    boxes_seen_at: datetime | None = None
    last_name: str = ""
    phone: str = ""
    came_by: str = FORM
    basis_unknown: bool = False
    client_since: datetime | None = None
    client_until: datetime | None = None
    client_basis_at: datetime | None = None

    @property
    def awaits_confirmation(self) -> bool:
        """Whether they filled in a form and have not confirmed the address since."""
        return self.confirmed_at is None and self.came_by == FORM


def add_subscriber(
    connection: sa.Connection,
    *,
    address: str,
    address_hash: str,
    first_name: str,
    time_zone: str,
    now: datetime,
    mailbox_hash: str | None = None,
) -> int:
    """Add a person who is not known yet; return their number, or raise `AddedMeanwhileError`."""
    row = {
        "address": address,
        "address_key": address_key(address),
        "address_hash": address_hash,
        "mailbox_hash": mailbox_hash,
        "first_name": first_name,
        "time_zone": time_zone,
        "created_at": now,
        "purposes": (),
    }
    rows = numbered(connection, subscribers, [row])
    for added in insert_new(connection, subscribers, rows, "id"):
        return int(added.id)
    raise AddedMeanwhileError("This person has just been added.", remedy="Try again.")


def find_by_address(connection: sa.Connection, address: str) -> Subscriber | None:
    """Return the subscriber with that address, however it is spelt."""
    where = subscribers.c.address_key.in_(address_keys(address))
    return _one(connection, sa.select(subscribers).where(where))


def find_subscriber(connection: sa.Connection, subscriber_id: int) -> Subscriber | None:
    """Return the subscriber with that number, unless they have been erased."""
    where = (subscribers.c.id == subscriber_id) & ~subscribers.c.erased
    return _one(connection, sa.select(subscribers).where(where))


def addresses_of(connection: sa.Connection, subscriber_ids: Collection[int]) -> dict[int, str]:
    """Return the addresses of these people, if they are known."""
    chosen = sa.select(subscribers.c.id, subscribers.c.address).where(
        subscribers.c.id.in_(list(subscriber_ids)), ~subscribers.c.erased
    )
    return {row.id: row.address for row in connection.execute(chosen)}


def find_hash(connection: sa.Connection, subscriber_id: int) -> str | None:
    """Return the keyed hash of a person's address, even after an erasure; `None` for nobody.

    It is empty if nothing was left at the time.
    """
    where = subscribers.c.id == subscriber_id
    found: str | None = connection.scalar(sa.select(subscribers.c.address_hash).where(where))
    return found


def present_number(connection: sa.Connection, subscriber_id: int) -> int | None:
    """Return a person's current number or, after an erasure, that of the same address, if any."""
    before = subscribers.alias()
    same = (before.c.id == subscriber_id) & (before.c.address_hash == subscribers.c.address_hash)
    number = sa.select(subscribers.c.id).join_from(subscribers, before, same)
    found: int | None = connection.scalar(number.where(~subscribers.c.erased))
    return found


def find_by_hash(connection: sa.Connection, address_hash: str) -> int | None:
    """Return the number of the subscriber whose address has that keyed hash, unless erased."""
    where = (subscribers.c.address_hash == address_hash) & ~subscribers.c.erased
    found: int | None = connection.scalar(sa.select(subscribers.c.id).where(where))
    return found


def change_subscriber(connection: sa.Connection, subscriber_id: int, **values: Any) -> None:
    """Set columns of one subscriber."""
    connection.execute(
        sa.update(subscribers).where(subscribers.c.id == subscriber_id).values(**values)
    )


def confirm_address(connection: sa.Connection, subscriber_id: int, now: datetime) -> None:
    """Record that the person has proved that the address is theirs; the first time counts."""
    confirmed = sa.func.coalesce(subscribers.c.confirmed_at, now)
    connection.execute(
        sa.update(subscribers)
        .where(subscribers.c.id == subscriber_id)
        .values(confirmed_at=confirmed)
    )


def addresses_and_hashes(
    connection: sa.Connection, limit: int | None = None
) -> list[tuple[int, str, str]]:
    """Return the number, address and keyed hash of everyone we know, newest first."""
    columns = (subscribers.c.id, subscribers.c.address, subscribers.c.address_hash)
    known = sa.select(*columns).where(~subscribers.c.erased, subscribers.c.address.is_not(None))
    rows = connection.execute(known.order_by(subscribers.c.id.desc()).limit(limit))
    return [(row.id, row.address, row.address_hash) for row in rows]


def mailboxes_of(connection: sa.Connection) -> list[tuple[str, str]]:
    """Return the address and the mailbox's keyed hash of everyone whose address is a spelling."""
    found = sa.select(subscribers.c.address, subscribers.c.mailbox_hash).where(
        subscribers.c.mailbox_hash.is_not(None), ~subscribers.c.erased
    )
    return [(row.address, row.mailbox_hash) for row in connection.execute(found)]


def spelt_in_other_ways(connection: sa.Connection) -> list[tuple[int, str]]:
    """Return the numbers and addresses of people whose mailbox might not be known yet."""
    key = subscribers.c.address_key
    might = key.like("%+%@%") | key.like("%.%@gmail.com") | key.like("%@googlemail.com")
    found = sa.select(subscribers.c.id, subscribers.c.address).where(
        subscribers.c.mailbox_hash.is_(None), ~subscribers.c.erased, might
    )
    return [(row.id, row.address) for row in connection.execute(found)]


def first_names(connection: sa.Connection) -> dict[str, int]:
    """Return the first names of the people we know, with counts; empty if it is not known."""
    names = (
        sa.select(subscribers.c.first_name, sa.func.count())
        .where(~subscribers.c.erased)
        .group_by(subscribers.c.first_name)
    )
    return {row[0]: row[1] for row in connection.execute(names)}


def count_subscribers(connection: sa.Connection) -> int:
    """Count the people we know."""
    return connection.scalar(sa.select(sa.func.count()).where(~subscribers.c.erased)) or 0


def last_number(connection: sa.Connection) -> int:
    """Return the number of the newest subscriber, 0 if there is none."""
    return connection.scalar(sa.select(sa.func.max(subscribers.c.id))) or 0


def time_zones(connection: sa.Connection) -> list[str]:
    """Return the time zones that subscribers live in."""
    zones = sa.select(subscribers.c.time_zone).where(~subscribers.c.erased).distinct()
    return sorted(connection.scalars(zones))


def has_agreed(connection: sa.Connection, scope: Scope) -> bool:
    """Return whether anyone agrees to exactly that."""
    position = sa.func.instr if connection.dialect.name == "sqlite" else sa.func.strpos
    words = sa.literal(" ") + sa.type_coerce(subscribers.c.purposes, sa.Text) + " "
    anyone = sa.select(subscribers.c.id).where(position(words, f" {scope.word} ") > 0)
    return connection.scalar(anyone.limit(1)) is not None


def agrees_to_tracking(dialect: str) -> sa.ColumnElement[bool]:
    """Return the condition that a person's opens and clicks may be recorded."""
    position = sa.func.instr if dialect == "sqlite" else sa.func.strpos
    words = sa.literal(" ") + sa.type_coerce(subscribers.c.purposes, sa.Text) + " "
    found: sa.ColumnElement[bool] = position(words, f" {Purpose.TRACKING} ") > 0
    return found


@cache
def as_consents(purposes: frozenset[str]) -> Consents:
    """Return the stored words as consents, skipping unknown ones; there are few different sets."""
    return read_consents(purposes)


def is_client(row: sa.RowMapping) -> bool:
    """Return whether the columns of a person say that they are currently a client."""
    return row["client_since"] is not None and row["client_until"] is None


def _one(connection: sa.Connection, statement: Any) -> Subscriber | None:
    row = connection.execute(statement).mappings().first()
    return _subscriber(row) if row else None


def _subscriber(row: Mapping[Any, Any]) -> Subscriber:
    read = {
        "frequency": known(Frequency, row["frequency"], Frequency.FEWER),
        "consents": as_consents(row["purposes"]),
        "paused_by": known(PausedBy, row["paused_by"] or "", PausedBy.PERSON),
    }
    stored = {each.name: row[each.name] for each in fields(Subscriber) if each.name not in read}
    return Subscriber(**stored | read)
