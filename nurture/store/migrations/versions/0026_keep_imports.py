"""Keep which lists were brought in, and for each of their people the proof and what changed."""

import sqlalchemy as sa
from alembic import op

from nurture.store.types import Json, UtcDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_COUNTS = ("addresses", "done", "evidence", "stated", "client", "suppressed", "unknown")


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("program", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("said", Json(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("moved_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("undone_at", UtcDateTime(timezone=True), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.Column("mistakes", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("mistake_rows", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index("ix_imports_digest", "imports", ["digest"])
    op.create_table(
        "import_rows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("pile", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("evidence", Json(), nullable=False),
        sa.Column("added", sa.Boolean(), nullable=False),
        sa.Column("has_changed", sa.Boolean(), nullable=False),
        sa.Column("changes", Json(), nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_import_rows_import_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_import_rows_subscriber_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_rows")),
        sa.UniqueConstraint(
            "import_id", "subscriber_id", name=op.f("uq_import_rows_import_id_subscriber_id")
        ),
    )
    op.create_index("ix_import_rows_subscriber_id", "import_rows", ["subscriber_id"])


def downgrade() -> None:
    op.drop_table("import_rows")
    op.drop_table("imports")
