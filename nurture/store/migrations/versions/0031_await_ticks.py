"""Keep ticks until they are confirmed, and know one mailbox in many spellings."""

import sqlalchemy as sa
from alembic import op

from nurture.store.types import UtcDateTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_AT = UtcDateTime(timezone=True)
_TEXTS = ("privacy_version", "page_url", "client", "user_agent")


def upgrade() -> None:
    op.create_table(
        "awaited_consents",
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("purpose", "wording", "form")),
        sa.Column("said_at", _AT, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscribers.id"],
            name=op.f("fk_awaited_consents_subscriber_id_subscribers"),
        ),
        sa.PrimaryKeyConstraint("subscriber_id", "purpose", name=op.f("pk_awaited_consents")),
    )
    op.create_index("ix_awaited_consents_said_at", "awaited_consents", ["said_at"])
    # Migrations know no keys, so the start fills in the hashes of people who are known already.
    op.add_column("subscribers", sa.Column("mailbox_hash", sa.Text(), nullable=True))
    op.create_index("ix_subscribers_mailbox_hash", "subscribers", ["mailbox_hash"])


def downgrade() -> None:
    op.drop_index("ix_subscribers_mailbox_hash", table_name="subscribers")
    op.drop_column("subscribers", "mailbox_hash")
    op.drop_index("ix_awaited_consents_said_at", table_name="awaited_consents")
    op.drop_table("awaited_consents")
