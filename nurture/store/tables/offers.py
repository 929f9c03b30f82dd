"""Offers: how many emails were handed to the mail server, and when, to count towards its limits.

A row stands for the emails whose outcomes were recorded together. What workers have in hand is
counted from `messages`, until its outcome is known.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from nurture.domain.account.limits import Sent, Window
from nurture.domain.broadcasts.broadcast import PREFIX
from nurture.store.tables.messages import IN_HAND, messages
from nurture.store.types import UtcDateTime, metadata

offers = sa.Table(
    "offers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    # When the outcomes were known, which is never before the mail server accepted the emails.
    sa.Column("settled_at", UtcDateTime, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    # How many of them were of broadcasts, which warming up a domain limits.
    sa.Column("of_broadcasts", sa.Integer, nullable=False, default=0, server_default="0"),
    # Answers "how many since then" from the index alone.
    sa.Index("ix_offers_settled_at", "settled_at", "number"),
)


def add_offers(
    connection: sa.Connection, number: int, settled_at: datetime, of_broadcasts: int = 0
) -> None:
    """Count this many emails that the mail server has, or may have."""
    if number:
        row = {"settled_at": settled_at, "number": number, "of_broadcasts": of_broadcasts}
        connection.execute(sa.insert(offers), row)


def reserve_offer(connection: sa.Connection, now: datetime) -> int:
    """Count one email that is about to be offered; return the number to settle it by."""
    row = sa.insert(offers).values(settled_at=now, number=1).returning(offers.c.id)
    return int(connection.execute(row).scalar_one())


def settle_offer(connection: sa.Connection, reserved: int, counts: bool, at: datetime) -> None:
    """Let a reserved offer count from when its outcome was known, or not at all."""
    this = offers.c.id == reserved
    if counts:
        connection.execute(sa.update(offers).where(this).values(settled_at=at))
    else:
        connection.execute(sa.delete(offers).where(this))


def count_used(
    connection: sa.Connection, windows: Iterable[Window], now: datetime
) -> dict[Window, int]:
    """Return how many emails count in each window now, including all that are in hand.

    It is one statement, so that an email whose outcome is being recorded counts exactly once.
    """
    windows = tuple(windows)
    in_hand = sa.select(sa.func.count()).select_from(messages).where(IN_HAND).scalar_subquery()
    settled = [_number_within(window.length, now) for window in windows]
    row = connection.execute(sa.select(in_hand, *settled)).one()
    return {window: row[0] + count for window, count in zip(windows, row[1:], strict=True)}


def count_since(connection: sa.Connection, since: datetime, until: datetime) -> int:
    """Return how many emails the mail server has, or may have, taken between two moments."""
    at = offers.c.settled_at
    counted = sa.select(sa.func.coalesce(sa.func.sum(offers.c.number), 0))
    return int(connection.scalar(counted.where(at > since, at < until)) or 0)


def count_of_broadcasts(connection: sa.Connection, since: datetime) -> int:
    """Return how many emails of broadcasts have left since then, including all that are in hand."""
    in_hand = sa.select(sa.func.count()).select_from(messages)
    of_broadcasts = in_hand.where(IN_HAND, messages.c.sequence.startswith(PREFIX))
    settled = sa.select(sa.func.coalesce(sa.func.sum(offers.c.of_broadcasts), 0))
    chosen = settled.where(offers.c.settled_at > since).scalar_subquery()
    return int(connection.scalar(sa.select(of_broadcasts.scalar_subquery() + chosen)) or 0)


def count_claims(connection: sa.Connection) -> int:
    """Return how many batches workers have in hand."""
    claims = sa.select(sa.func.count(messages.c.claim.distinct())).where(IN_HAND)
    return connection.scalar(claims) or 0


def offers_within(connection: sa.Connection, length: timedelta, now: datetime) -> list[Sent]:
    """Return what was offered in the last `length`, oldest first; what is in hand counts as now."""
    chosen = sa.select(offers.c.settled_at, offers.c.number).where(_is_within(length, now))
    rows = connection.execute(chosen.order_by(offers.c.settled_at))
    in_hand = sa.select(sa.func.count()).select_from(messages).where(IN_HAND)
    return [*(Sent(*row) for row in rows), Sent(now, connection.scalar(in_hand) or 0)]


def forget_offers(connection: sa.Connection, before: datetime) -> None:
    """Delete what no longer counts in any window."""
    connection.execute(sa.delete(offers).where(offers.c.settled_at < before))


def _number_within(length: timedelta, now: datetime) -> sa.ScalarSelect[int]:
    counted = sa.select(sa.func.coalesce(sa.func.sum(offers.c.number), 0))
    return counted.where(_is_within(length, now)).scalar_subquery()


def _is_within(length: timedelta, now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that an offer counts; one in the far future is a clock's mistake."""
    at = offers.c.settled_at
    return (at > now - length) & (at < now + length)
