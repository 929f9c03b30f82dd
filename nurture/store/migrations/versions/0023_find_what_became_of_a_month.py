"""Find by an index who complained lately, and what the mail server refused last."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_REFUSED = sa.text("code >= 400 AND accepted_at IS NULL")
_COMPLAINT = sa.text("kind = 'complained'")


def upgrade() -> None:
    op.create_index(
        "ix_messages_refused",
        "messages",
        ["claimed_at"],
        sqlite_where=_REFUSED,
        postgresql_where=_REFUSED,
    )
    op.create_index(
        "ix_events_complaint",
        "events",
        ["happened_at", "subscriber_id"],
        sqlite_where=_COMPLAINT,
        postgresql_where=_COMPLAINT,
    )


def downgrade() -> None:
    op.drop_index("ix_events_complaint", table_name="events")
    op.drop_index("ix_messages_refused", table_name="messages")
