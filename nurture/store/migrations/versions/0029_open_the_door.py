"""Keep the keys of sites, their calls, hosted forms, and signups that wait or cannot be read."""

import sqlalchemy as sa
from alembic import op

from nurture.store.types import Json, UtcDateTime, Words

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_AT = UtcDateTime(timezone=True)
_AGAIN = {
    "sqlite_where": sa.text("again = 1"),
    "postgresql_where": sa.text("again"),
}


def upgrade() -> None:
    _make_sites()
    _make_calls()
    _make_pages()
    _make_waiting()
    for name in ("near", "site", "wide"):
        column = sa.Column(name, sa.Text(), nullable=False, server_default="")
        op.add_column("signups", column)
    op.add_column("signups", _no("again"))
    op.create_index("ix_signups_site_signed_up_at", "signups", ["site", "signed_up_at"])
    op.create_index("ix_signups_again", "signups", ["form", "signed_up_at"], **_AGAIN)
    op.add_column("enrolments", _no("must_collect"))


def _make_sites() -> None:
    op.create_table(
        "site_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        *(_text(name) for name in ("name", "key_hash", "sealed_key", "sealed_secret")),
        sa.Column("made_at", _AT, nullable=False),
        sa.Column("revoked_at", _AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_site_keys_key_hash")),
    )
    op.create_table(
        "site_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        _text("form"),
        sa.Column("called_at", _AT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        _text("reader"),
        _text("said"),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site_keys.id"], name=op.f("fk_site_calls_site_id_site_keys")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_calls")),
    )
    op.create_index("ix_site_calls_site_id", "site_calls", ["site_id", "id"])


def _make_calls() -> None:
    op.create_table(
        "kept_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        _text("form"),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("received_at", _AT, nullable=False),
        _text("sealed"),
        sa.Column("mentions", Words(), nullable=False),
        _text("digest"),
        sa.Column("vouched", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site_keys.id"], name=op.f("fk_kept_calls_site_id_site_keys")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_calls")),
        sa.UniqueConstraint("digest", name=op.f("uq_kept_calls_digest")),
    )
    op.create_index("ix_kept_calls_form", "kept_calls", ["form"])
    op.create_index("ix_kept_calls_received_at", "kept_calls", ["received_at"])
    op.create_table(
        "field_mappings",
        sa.Column("id", sa.Integer(), nullable=False),
        *(_text(name) for name in ("form", "email", "first_name", "name")),
        sa.Column("boxes", Json(), nullable=False),
        sa.Column("made_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_mappings")),
        sa.UniqueConstraint("form", "email", name=op.f("uq_field_mappings_form_email")),
    )
    op.create_index("ix_field_mappings_form", "field_mappings", ["form"])


def _make_pages() -> None:
    op.create_table(
        "site_origins",
        _text("origin"),
        sa.Column("added_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_site_origins")),
    )
    op.create_table(
        "form_pages",
        _text("form"),
        _text("thanks_url"),
        sa.Column("changed_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("form", name=op.f("pk_form_pages")),
    )


def _make_waiting() -> None:
    op.create_table(
        "waiting_signups",
        sa.Column("id", sa.Integer(), nullable=False),
        *(_text(name) for name in ("form", "address", "address_hash", "first_name")),
        sa.Column("ticked", Words(), nullable=False),
        sa.Column("wordings", Json(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=True),
        _text("page_url"),
        sa.Column("utm", Json(), nullable=False),
        *(_text(name) for name in ("client", "user_agent")),
        sa.Column("vouched", sa.Boolean(), nullable=False),
        sa.Column("signed_up_at", _AT, nullable=False),
        sa.Column("received_at", _AT, nullable=False),
        _text("why"),
        sa.Column("ready_at", _AT, nullable=False),
        sa.Column("let_go_at", _AT, nullable=True),
        *(_text(name) for name in ("near", "site", "wide", "domain")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_signups")),
        sa.UniqueConstraint(
            "form", "address_hash", name=op.f("uq_waiting_signups_form_address_hash")
        ),
    )
    op.create_index("ix_waiting_signups_address_hash", "waiting_signups", ["address_hash"])
    op.create_index("ix_waiting_signups_ready_at", "waiting_signups", ["ready_at"])
    op.create_table(
        "waiting_turns",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_left_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_turns")),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _no(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def downgrade() -> None:
    op.drop_column("enrolments", "must_collect")
    op.drop_index("ix_signups_again", "signups")
    op.drop_index("ix_signups_site_signed_up_at", "signups")
    for name in ("again", "wide", "site", "near"):
        op.drop_column("signups", name)
    for table in (
        *("waiting_turns", "waiting_signups", "form_pages", "site_origins"),
        *("field_mappings", "kept_calls", "site_calls", "site_keys"),
    ):
        op.drop_table(table)
