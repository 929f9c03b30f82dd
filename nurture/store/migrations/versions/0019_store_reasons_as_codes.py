"""Store why a message is as it is as a code, beside the words that the release before reads."""

import sqlalchemy as sa
from alembic import op

from nurture.store.types import Json

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("why", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("about", Json(), nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "about")
    op.drop_column("messages", "why")
