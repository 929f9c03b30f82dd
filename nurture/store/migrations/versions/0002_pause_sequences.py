"""Pause sequences."""

import sqlalchemy as sa
from alembic import op

from nurture.store.types import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sequences",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("paused_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sequences")),
    )


def downgrade() -> None:
    op.drop_table("sequences")
