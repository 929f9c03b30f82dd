"""Notice silence, and signups that were never confirmed."""

import sqlalchemy as sa
from alembic import op

from nurture.store.types import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_subscribers_quiet": ("quiet_since", "confirmed_at IS NOT NULL"),
    "ix_subscribers_unconfirmed": ("created_at", "confirmed_at IS NULL"),
}


def upgrade() -> None:
    with op.batch_alter_table("subscribers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("quiet_since", UtcDateTime(timezone=True), nullable=True))
    op.execute("UPDATE subscribers SET quiet_since = created_at")
    for name, (column, where) in _INDEXES.items():
        op.create_index(
            name,
            "subscribers",
            [column],
            unique=False,
            sqlite_where=sa.text(f"{where} AND erased = 0"),
            postgresql_where=sa.text(f"{where} AND NOT erased"),
        )


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "subscribers")
    with op.batch_alter_table("subscribers", schema=None) as batch_op:
        batch_op.drop_column("quiet_since")
