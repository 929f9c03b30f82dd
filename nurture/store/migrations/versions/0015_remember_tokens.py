"""Remember tokens that have served, and what a provider asks to be told."""

import json
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from nurture.store.types import UtcDateTime

revision: str = "0015"
down_revision: str | None = "0012"
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


def _take_out_addresses() -> None:
    """The address that says yes to Amazon stood among what was kept of its request."""
    events = sa.table("events", sa.column("id"), sa.column("raw", sa.JSON), *map(sa.column, _NAMES))
    kept = sa.select(events.c.id, events.c.raw).where(
        events.c.source == "ses", events.c.kind == "unknown"
    )
    connection = op.get_bind()
    for number, raw in connection.execute(kept).all():
        said = json.loads(raw) if isinstance(raw, str) else raw
        if said and said.pop("SubscribeURL", None):
            connection.execute(sa.update(events).where(events.c.id == number).values(raw=said))


_NAMES = ("source", "kind")
