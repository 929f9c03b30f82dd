"""Remember tokens that have served, and mend times that cannot be."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from nurture.store.types import Json, UtcDateTime

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "used_tokens",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("used_for", sa.Text(), nullable=False),
        sa.Column("used_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_used_tokens")),
    )
    op.create_index(op.f("ix_used_tokens_used_at"), "used_tokens", ["used_at"])
    op.create_table(
        "call_requests",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_call_requests")),
    )
    _take_out_addresses()
    _mend_times()


def _take_out_addresses() -> None:
    """The address that says yes to Amazon stood among what was kept of its request."""
    events = sa.table("events", sa.column("id"), sa.column("raw", Json), *map(sa.column, _NAMES))
    kept = sa.select(events.c.id, events.c.raw).where(
        events.c.source == "ses", events.c.kind == "unknown"
    )
    connection = op.get_bind()
    for number, raw in connection.execute(kept).all():
        if raw and raw.pop("SubscribeURL", None):
            connection.execute(sa.update(events).where(events.c.id == number).values(raw=raw))


_NAMES = ("source", "kind")


def _mend_times() -> None:
    """What was told with the zero time of a program, or of a far future, is taken as it came.

    Nobody can be shown such a time in their own zone. When it came is known by what was kept
    just before it; of a reason why somebody is not written to, by the last thing that happened.
    """
    events = sa.table("events", sa.column("id"), sa.column("happened_at", UtcDateTime()))
    earlier, last = events.alias("earlier"), events.alias("last")
    before = (
        sa.select(sa.func.max(earlier.c.happened_at))
        .where(earlier.c.id < events.c.id, earlier.c.id > events.c.id - 1000)
        .where(_is_plausible(earlier.c.happened_at))
        .scalar_subquery()
    )
    _mend(events.c.happened_at, before)
    newest = (
        sa.select(sa.func.max(last.c.happened_at))
        .where(_is_plausible(last.c.happened_at))
        .scalar_subquery()
    )
    for table, column in (("suppressions", "since"), ("lifted_suppressions", "lifted_at")):
        _mend(sa.table(table, sa.column(column, UtcDateTime())).c[column], newest)


_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _is_plausible(column: sa.ColumnElement) -> sa.ColumnElement:
    return (column >= _EARLIEST) & (column < _LATEST)


def _mend(column: sa.Column, came: sa.ColumnElement) -> None:
    value = sa.func.coalesce(came, sa.bindparam("earliest", _EARLIEST, UtcDateTime()))
    op.get_bind().execute(
        sa.update(column.table).where(~_is_plausible(column)).values({column.name: value})
    )
