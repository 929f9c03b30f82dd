"""Hold and judge hits."""

import sqlalchemy as sa
from alembic import op

from nurture.store.types import Words

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_HELD = sa.text("verdict IS NULL AND source = 'hit'")
_HUMAN = sa.text("verdict = 'human'")
_KEPT = sa.text("client IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("topics", Words(), nullable=True))
        batch_op.add_column(sa.Column("query", sa.Text(), nullable=True))
        batch_op.create_index(
            "ix_events_held",
            ["happened_at"],
            unique=False,
            sqlite_where=_HELD,
            postgresql_where=_HELD,
        )
        batch_op.create_index(
            "ix_events_human",
            ["kind", "happened_at", "subscriber_id", "email", "topics"],
            unique=False,
            sqlite_where=_HUMAN,
            postgresql_where=_HUMAN,
        )
        batch_op.create_index(
            "ix_events_client",
            ["client", "happened_at", "subscriber_id"],
            unique=False,
            sqlite_where=_KEPT,
            postgresql_where=_KEPT,
        )


def downgrade() -> None:
    with op.batch_alter_table("events", schema=None) as batch_op:
        for index, where in (
            ("ix_events_client", _KEPT),
            ("ix_events_human", _HUMAN),
            ("ix_events_held", _HELD),
        ):
            batch_op.drop_index(index, sqlite_where=where, postgresql_where=where)
        for column in ("query", "topics", "email"):
            batch_op.drop_column(column)
