"""Count what the account sends, keep its limits, and know which delays make no email late."""

import sqlalchemy as sa
from alembic import op

from nurture.store.types import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "enrolments", sa.Column("excused_until", UtcDateTime(timezone=True), nullable=True)
    )
    op.create_table(
        "offers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("settled_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
    )
    op.create_index("ix_offers_settled_at", "offers", ["settled_at", "number"])
    _count_the_past()
    op.create_table(
        "account_limits",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("preset", sa.Text(), nullable=True),
        sa.Column("per_minute", sa.Integer(), nullable=True),
        sa.Column("per_hour", sa.Integer(), nullable=True),
        sa.Column("per_day", sa.Integer(), nullable=True),
        sa.Column("connections", sa.Integer(), nullable=True),
        sa.Column("warming_since", UtcDateTime(timezone=True), nullable=True),
        sa.Column("waiting_since", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_limits")),
    )


def _count_the_past() -> None:
    """Count what was sent before, hour by hour, each at the hour's last email."""
    hour = "substr(accepted_at, 1, 13)"
    if op.get_bind().dialect.name != "sqlite":
        hour = "date_trunc('hour', accepted_at)"
    op.execute(
        "INSERT INTO offers (settled_at, number) SELECT max(accepted_at), count(*) FROM messages "
        f"WHERE accepted_at IS NOT NULL GROUP BY {hour}"
    )


def downgrade() -> None:
    op.drop_table("account_limits")
    op.drop_index("ix_offers_settled_at", table_name="offers")
    op.drop_table("offers")
    op.drop_column("enrolments", "excused_until")
