"""Keep the posts of the practice's blog, how its feed is doing, and which owner was told of what."""

import sqlalchemy as sa
from alembic import op

from nurture.store.types import UtcDateTime

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_MOMENTS = ("sends_since", "first_read_at", "horizon", "read_at", "trouble_since", "lease_until")
_TEXTS = ("url", "source", "etag", "last_modified", "trouble", "reader")


def upgrade() -> None:
    op.create_table(
        "feed_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        *(sa.Column(name, UtcDateTime(timezone=True), nullable=True) for name in _MOMENTS),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_state")),
    )
    op.create_table(
        "feed_posts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("published", UtcDateTime(timezone=True), nullable=True),
        sa.Column("seen_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("broadcast", sa.Text(), nullable=True),
        sa.Column("settled_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_posts")),
    )
    op.create_table(
        "feed_marks",
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"], ["feed_posts.id"], name=op.f("fk_feed_marks_post_id_feed_posts")
        ),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_feed_marks")),
    )
    op.create_index("ix_feed_marks_post_id", "feed_marks", ["post_id"])
    op.create_table(
        "feed_notices",
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("claimed_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["post_id"], ["feed_posts.id"], name=op.f("fk_feed_notices_post_id_feed_posts")
        ),
        sa.PrimaryKeyConstraint("post_id", "owner_id", name=op.f("pk_feed_notices")),
    )


def downgrade() -> None:
    op.drop_table("feed_notices")
    op.drop_index("ix_feed_marks_post_id", "feed_marks")
    op.drop_table("feed_marks")
    op.drop_table("feed_posts")
    op.drop_table("feed_state")
