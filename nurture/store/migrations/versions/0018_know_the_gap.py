"""Know of restores, of late signups and consents, and which Message-IDs name their email."""

import sqlalchemy as sa
from alembic import op

from nurture.store.types import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_LATE = sa.text("received_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "restores",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("restored_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("backup_made_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("numbers_after", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restores")),
    )
    op.add_column("consents", sa.Column("said_at", UtcDateTime(timezone=True), nullable=True))
    op.add_column("signups", sa.Column("received_at", UtcDateTime(timezone=True), nullable=True))
    op.add_column("messages", sa.Column("marked", sa.Boolean(), nullable=True))
    op.create_index(
        "ix_signups_received_at",
        "signups",
        ["received_at"],
        sqlite_where=_LATE,
        postgresql_where=_LATE,
    )
    op.create_index("ix_withdrawals_address_hash", "withdrawals", ["address_hash"])


def downgrade() -> None:
    op.drop_index("ix_withdrawals_address_hash", table_name="withdrawals")
    op.drop_index("ix_signups_received_at", table_name="signups")
    op.drop_column("messages", "marked")
    op.drop_column("signups", "received_at")
    op.drop_column("consents", "said_at")
    op.drop_table("restores")
