"""Keep each reason of a suppression by itself, so that a bounce can be lifted.

Bounces say from here on what kind they are. Those of people who are suppressed for one were
for good, as nothing else suppressed anybody.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from nurture.store.types import UtcDateTime

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_BOUNCE = sa.text("bounce IS NOT NULL")
_MOMENT = UtcDateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("asked_again_at", _MOMENT, nullable=True))
        batch_op.add_column(sa.Column("guide_of", sa.Integer(), nullable=True))
        batch_op.drop_constraint("pk_suppressions", type_="primary")
        batch_op.create_primary_key("pk_suppressions", ["address_hash", "reason"])
        batch_op.create_foreign_key("fk_suppressions_guide_of", "enrolments", ["guide_of"], ["id"])
    _create_tables()
    _tell_bounces_apart()


def _create_tables() -> None:
    op.create_table(
        "lifted_suppressions",
        sa.Column("address_hash", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lifted_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("address_hash", "reason", name=op.f("pk_lifted_suppressions")),
    )
    op.create_table(
        "bounce_jumps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("found_at", _MOMENT, nullable=False),
        sa.Column("bounced", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("open", sa.Text(), nullable=True),
        sa.Column("looked_at", _MOMENT, nullable=True),
        sa.Column("judged", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounce_jumps")),
        sa.UniqueConstraint("open", name=op.f("uq_bounce_jumps_open")),
    )


def _tell_bounces_apart() -> None:
    op.add_column("events", sa.Column("bounce", sa.Text(), nullable=True))
    op.execute(
        "UPDATE events SET bounce = 'hard' WHERE kind = 'bounced' AND subscriber_id IN ("
        "SELECT subscribers.id FROM subscribers JOIN suppressions"
        " ON suppressions.address_hash = subscribers.address_hash"
        " WHERE suppressions.reason = 'bounced')"
    )
    op.execute("UPDATE events SET bounce = 'soft' WHERE kind = 'bounced' AND bounce IS NULL")
    op.create_index(
        "ix_events_bounce",
        "events",
        ["bounce", "happened_at", "subscriber_id"],
        unique=False,
        sqlite_where=_BOUNCE,
        postgresql_where=_BOUNCE,
    )


def downgrade() -> None:
    op.drop_index("ix_events_bounce", table_name="events")
    op.drop_column("events", "bounce")
    op.drop_table("bounce_jumps")
    op.drop_table("lifted_suppressions")
    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.drop_constraint("fk_suppressions_guide_of", type_="foreignkey")
        batch_op.drop_constraint("pk_suppressions", type_="primary")
        batch_op.create_primary_key("pk_suppressions", ["address_hash"])
        batch_op.drop_column("guide_of")
        batch_op.drop_column("asked_again_at")
