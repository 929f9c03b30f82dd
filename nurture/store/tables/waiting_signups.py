"""Signups that wait: accepted from the website, and taken in later with their own time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from nurture.store.database import insert_new
from nurture.store.types import Json, UtcDateTime, Words, metadata

waiting_signups = sa.Table(
    "waiting_signups",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("address_hash", sa.Text, nullable=False, index=True),
    sa.Column("first_name", sa.Text, nullable=False),
    sa.Column("ticked", Words, nullable=False),
    # The wordings of ticked boxes that the form did not bring itself, by purpose.
    sa.Column("wordings", Json, nullable=False),
    sa.Column("time_zone", sa.Text),
    sa.Column("page_url", sa.Text, nullable=False),
    sa.Column("utm", Json, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("user_agent", sa.Text, nullable=False),
    # Whether the caller vouches for the address, and knows who its visitors are.
    sa.Column("vouched", sa.Boolean, nullable=False),
    # When they signed up, as far as is known, and when we heard of it.
    sa.Column("signed_up_at", UtcDateTime, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    # Not let go before then.
    sa.Column("ready_at", UtcDateTime, nullable=False, index=True),
    # When the owner let it go; it leaves before all others.
    sa.Column("let_go_at", UtcDateTime),
    sa.Column("near", sa.Text, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("wide", sa.Text, nullable=False),
    sa.Column("domain", sa.Text, nullable=False),
    # One person waits once for a form, however often the form is filled in.
    sa.UniqueConstraint("form", "address_hash"),
)

#: One row: when a signup that waited last left in its turn.
waiting_turns = sa.Table(
    "waiting_turns",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last_left_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class WaitingSignup:
    """A signup that waits, as it was sent."""

    id: int
    form: str
    address: str
    address_hash: str
    first_name: str
    ticked: frozenset[str]
    wordings: Mapping[str, str]
    time_zone: str | None
    page_url: str
    utm: Mapping[str, str]
    client: str
    user_agent: str
    vouched: bool
    signed_up_at: datetime
    received_at: datetime
    why: str
    ready_at: datetime
    near: str
    site: str
    wide: str
    domain: str
    let_go_at: datetime | None = None


_COLUMNS = [waiting_signups.c[one.name] for one in fields(WaitingSignup)]


@dataclass(frozen=True, slots=True)
class WaitingChoice:
    """Which of the signups that wait are meant; all of them if nothing is chosen."""

    number: int | None = None
    why: str = ""
    form: str = ""
    site: str = ""
    domain: str = ""


@dataclass(frozen=True, slots=True)
class WaitingCounts:
    """How many signups wait, by reason, and since when the oldest does."""

    by_reason: Mapping[str, int] = field(default_factory=dict)
    since: datetime | None = None

    @property
    def total(self) -> int:
        """How many wait."""
        return sum(self.by_reason.values())


def add_waiting(connection: sa.Connection, row: Mapping[str, Any], stuck: Collection[str]) -> None:
    """Let a signup wait, unless that person waits for the form already.

    It takes the place of one that waits for a `stuck` reason and does not leave by itself, and of
    one that nobody vouched for if this one is vouched for: anyone may have sent those before it.
    """
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    insert = dialect.insert(waiting_signups).values(row)
    told, stored = insert.excluded, waiting_signups.c
    better = (stored.why.in_(stuck) & told.why.not_in(stuck)) | (told.vouched & ~stored.vouched)
    newer = {name: told[name] for name in row if name not in ("form", "address_hash")}
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["form", "address_hash"],
            set_=newer,
            where=better & stored.let_go_at.is_(None),
        )
    )


def count_waiting(connection: sa.Connection) -> WaitingCounts:
    """Count the signups that wait."""
    c = waiting_signups.c
    chosen = sa.select(c.why, sa.func.count(), sa.func.min(c.received_at)).group_by(c.why)
    rows = connection.execute(chosen).all()
    since = min((row[2] for row in rows), default=None)
    return WaitingCounts({row[0]: row[1] for row in rows}, since)


def is_anyone_waiting(connection: sa.Connection, now: datetime) -> bool:
    """Return whether a signup waits that may leave by now; cheap, however many do."""
    ready = sa.select(waiting_signups.c.id).where(waiting_signups.c.ready_at <= now)
    return connection.scalar(ready.limit(1)) is not None


def list_waiting(
    connection: sa.Connection, choice: WaitingChoice, limit: int, after: int = 0
) -> list[WaitingSignup]:
    """Return signups that wait, in the order in which they came, beginning after a number."""
    chosen = sa.select(*_COLUMNS).where(_meant(choice), waiting_signups.c.id > after)
    return _signups(connection, chosen.order_by(waiting_signups.c.id).limit(limit))


def largest_groups(connection: sa.Connection, name: str, limit: int) -> list[tuple[str, int]]:
    """Return how many wait by the column `site` or `domain`, the largest groups first."""
    column = waiting_signups.c[name]
    counted = sa.select(column, sa.func.count()).where(column != "").group_by(column)
    largest = counted.order_by(sa.func.count().desc(), column).limit(limit)
    return [(row[0], row[1]) for row in connection.execute(largest)]


def waiting_of(connection: sa.Connection, address_hashes: Collection[str]) -> list[WaitingSignup]:
    """Return the signups that wait for an address."""
    theirs = waiting_signups.c.address_hash.in_(address_hashes)
    return _signups(connection, sa.select(*_COLUMNS).where(theirs).order_by(waiting_signups.c.id))


def mark_to_leave(connection: sa.Connection, choice: WaitingChoice, now: datetime) -> int:
    """Mark signups to leave before all others; return how many were not marked before."""
    unmarked = waiting_signups.c.let_go_at.is_(None)
    marked = sa.update(waiting_signups).where(_meant(choice), unmarked)
    return connection.execute(marked.values(let_go_at=now, ready_at=now)).rowcount


def put_off(connection: sa.Connection, number: int, until: datetime) -> None:
    """Look at a signup again only then, as it cannot be taken in now."""
    that = sa.update(waiting_signups).where(waiting_signups.c.id == number)
    connection.execute(that.values(ready_at=until, let_go_at=None))


def drop_chosen(connection: sa.Connection, choice: WaitingChoice) -> int:
    """Delete signups that wait; return how many."""
    return drop_waiting(connection, _meant(choice))


def drop_older(connection: sa.Connection, reasons: Collection[str], before: datetime) -> int:
    """Delete the signups that have waited since before that moment for one of these reasons."""
    c = waiting_signups.c
    return drop_waiting(connection, c.why.in_(sorted(reasons)) & (c.received_at < before))


def drop_waiting(connection: sa.Connection, chosen: sa.ColumnElement[bool]) -> int:
    """Delete signups that wait; return how many."""
    return connection.execute(sa.delete(waiting_signups).where(chosen)).rowcount


def hold_waiting(connection: sa.Connection, number: int) -> WaitingSignup | None:
    """Return a signup that waits and lock it, or `None` if it has gone."""
    chosen = sa.select(*_COLUMNS).where(waiting_signups.c.id == number)
    found = _signups(connection, chosen.with_for_update())
    return found[0] if found else None


def marked_to_leave(connection: sa.Connection, limit: int) -> list[int]:
    """Return the numbers of signups that the owner has let go, first come first."""
    c = waiting_signups.c
    marked = sa.select(c.id).where(c.let_go_at.is_not(None)).order_by(c.let_go_at, c.id)
    return list(connection.scalars(marked.limit(limit)))


def next_in_turn(
    connection: sa.Connection, reasons: Collection[str], now: datetime, limit: int
) -> list[int]:
    """Return the numbers of the signups whose turn it is, fair to networks and to domains.

    Each connection has its first before any has its second, then each neighbourhood, provider and
    recipients' domain; of equals, the one that came first leaves first.
    """
    c = waiting_signups.c
    ready = c.why.in_(sorted(reasons)) & (c.ready_at <= now) & c.let_go_at.is_(None)
    turns = [
        sa.func.row_number().over(partition_by=each, order_by=(c.received_at, c.id)).label(name)
        for name, each in (("a", c.near), ("b", c.site), ("w", c.wide), ("d", c.domain))
    ]
    ranked = sa.select(c.id, c.received_at, *turns).where(ready).subquery()
    r = ranked.c
    order = (r.a, r.b, r.w, r.d, r.received_at, r.id)
    return list(connection.scalars(sa.select(r.id).order_by(*order).limit(limit)))


def hold_turns(connection: sa.Connection, now: datetime) -> datetime:
    """Return when a signup last left in its turn, which nobody else changes until the end."""
    insert_new(connection, waiting_turns, [{"id": 1, "last_left_at": now}])
    last: datetime = connection.scalars(
        sa.select(waiting_turns.c.last_left_at).with_for_update()
    ).one()
    return last


def keep_turn(connection: sa.Connection, at: datetime) -> None:
    """Record when a signup last left in its turn."""
    connection.execute(sa.update(waiting_turns).values(last_left_at=at))


def _meant(choice: WaitingChoice) -> sa.ColumnElement[bool]:
    c = waiting_signups.c
    asked: tuple[tuple[sa.Column[Any], object], ...] = (
        *((c.id, choice.number), (c.why, choice.why), (c.form, choice.form)),
        *((c.site, choice.site), (c.domain, choice.domain)),
    )
    chosen = (column == value for column, value in asked if value or value == 0)
    return sa.and_(sa.true(), *chosen)


def _signups(connection: sa.Connection, chosen: Any) -> list[WaitingSignup]:
    return [WaitingSignup(**row) for row in connection.execute(chosen).mappings()]
