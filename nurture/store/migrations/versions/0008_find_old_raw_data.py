"""Find by an index what has been kept of people's machines for too long."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_HAS_RAW = sa.text(
    "kind IN ('opened', 'clicked') AND (client IS NOT NULL OR user_agent IS NOT NULL"
    " OR query IS NOT NULL OR raw IS NOT NULL)"
)


def upgrade() -> None:
    op.create_index(
        "ix_events_raw",
        "events",
        ["happened_at"],
        unique=False,
        sqlite_where=_HAS_RAW,
        postgresql_where=_HAS_RAW,
    )


def downgrade() -> None:
    op.drop_index("ix_events_raw", table_name="events")
