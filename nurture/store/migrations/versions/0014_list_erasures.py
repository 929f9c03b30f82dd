"""List erasures, so that every machine finds out whose files it has to part with."""

import sqlalchemy as sa
from alembic import op

from nurture.store.types import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.Integer(), nullable=True),
        sa.Column("erased_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["subscribers.id"], name=op.f("fk_erasures_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    # When it was is not known of those; other machines still keep their mails.
    op.execute(
        "INSERT INTO erasures (person, erased_at)"
        " SELECT id, created_at FROM subscribers WHERE erased ORDER BY id"
    )
    # Of whoever was let go, what their mail server said may name them.
    op.execute(
        "UPDATE suppressions SET detail = '' WHERE address_hash IN"
        " (SELECT address_hash FROM subscribers WHERE erased)"
    )


def downgrade() -> None:
    op.drop_table("erasures")
