"""Keep broadcasts, which enrolments belong to one, and how often a series email has moved."""

import sqlalchemy as sa
from alembic import op

from nurture.store.types import Json, UtcDateTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_MOMENTS = ("pressed_at", "leaves_at", "freezes_at", "frozen_at", "stopped_at", "finished_at")
_SERIES = sa.text("status = 'active' AND broadcast IS NULL")
_BROADCAST = sa.text("status = 'active' AND broadcast IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "broadcasts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("invites", sa.Boolean(), nullable=False),
        sa.Column("audience", Json(), nullable=False),
        sa.Column("timing", Json(), nullable=False),
        sa.Column("late_after", sa.Integer(), nullable=True),
        sa.Column("liveliest_first", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("presses", sa.Integer(), nullable=False),
        sa.Column("frozen_to", sa.Integer(), nullable=False),
        sa.Column("frozen_upto", sa.Integer(), nullable=False),
        sa.Column("stopped_for", sa.Integer(), nullable=False),
        sa.Column("counts", Json(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        *(sa.Column(name, UtcDateTime(timezone=True), nullable=True) for name in _MOMENTS),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
        sa.UniqueConstraint("key", name=op.f("uq_broadcasts_key")),
    )
    op.create_index("ix_broadcasts_status", "broadcasts", ["status"])
    op.add_column(
        "offers", sa.Column("of_broadcasts", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("enrolments", sa.Column("broadcast", sa.Integer(), nullable=True))
    op.add_column(
        "enrolments", sa.Column("moved", sa.Integer(), nullable=False, server_default="0")
    )
    for name, columns, where in (
        ("ix_enrolments_series_due", ["next_look_at"], _SERIES),
        ("ix_enrolments_broadcast_due", ["broadcast", "next_look_at"], _BROADCAST),
    ):
        op.create_index(name, "enrolments", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name in ("ix_enrolments_broadcast_due", "ix_enrolments_series_due"):
        op.drop_index(name, "enrolments")
    op.drop_column("enrolments", "moved")
    op.drop_column("enrolments", "broadcast")
    op.drop_column("offers", "of_broadcasts")
    op.drop_index("ix_broadcasts_status", "broadcasts")
    op.drop_table("broadcasts")
