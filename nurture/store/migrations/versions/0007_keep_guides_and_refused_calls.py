"""Keep the owner's guides in the database, and what was wrong with refused calls."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from nurture.store.types import UtcDateTime

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "guide_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("uploaded_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guide_files")),
        sa.UniqueConstraint("sequence", "number", name=op.f("uq_guide_files_sequence_number")),
    )
    op.create_table(
        "refused_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("called_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_calls")),
    )
    op.create_index("ix_refused_calls_door_name", "refused_calls", ["door", "name", "id"])


def downgrade() -> None:
    op.drop_table("refused_calls")
    op.drop_table("guide_files")
