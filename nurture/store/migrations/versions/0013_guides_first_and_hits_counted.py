"""Find whoever waits for a guide at once, and count the hits that are not kept."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "ix_enrolments_guides",
        "enrolments",
        ["next_look_at"],
        sqlite_where=sa.text("status = 'active' AND guide_wanted = 1"),
        postgresql_where=sa.text("status = 'active' AND guide_wanted"),
    )
    op.create_table(
        "hits_beyond",
        sa.Column("message_id", sa.Integer(), sa.ForeignKey("messages.id"), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("hits_beyond")
    op.drop_index("ix_enrolments_guides", table_name="enrolments")
