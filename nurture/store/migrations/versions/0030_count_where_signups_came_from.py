"""Keep where each signup came from in columns that figures are counted by."""

import sqlalchemy as sa
from alembic import op

from nurture.domain.door.sources import source_of
from nurture.store.types import Json

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_COLUMNS = ("utm_source", "utm_medium", "utm_campaign", "page")

#: This many signups are looked at together.
_CHUNK = 2_000

_SIGNUPS = sa.table(
    "signups",
    sa.column("id", sa.Integer),
    sa.column("page_url", sa.Text),
    sa.column("utm", Json),
    *(sa.column(name, sa.Text) for name in _COLUMNS),
)


def upgrade() -> None:
    for name in _COLUMNS:
        column = sa.Column(name, sa.Text(), nullable=False, server_default="")
        op.add_column("signups", column)
    if not op.get_context().as_sql:
        _tell_sources(op.get_bind())


def _tell_sources(connection: sa.Connection) -> None:
    """Fill the columns from what the website sent; whatever tells nothing stays empty."""
    last = 0
    while rows := _signups_after(connection, last):
        last = rows[-1].id
        told = [{"number": row.id, **_named(row)} for row in rows]
        known = [one for one in told if any(one[f"new_{name}"] for name in _COLUMNS)]
        if known:
            new = {name: sa.bindparam(f"new_{name}") for name in _COLUMNS}
            one = sa.update(_SIGNUPS).where(_SIGNUPS.c.id == sa.bindparam("number"))
            connection.execute(one.values(new), known)


def _signups_after(connection: sa.Connection, last: int) -> list[sa.Row[tuple[object, ...]]]:
    columns = (_SIGNUPS.c.id, _SIGNUPS.c.page_url, _SIGNUPS.c.utm)
    chosen = sa.select(*columns).where(_SIGNUPS.c.id > last).order_by(_SIGNUPS.c.id)
    return list(connection.execute(chosen.limit(_CHUNK)))


def _named(row: sa.Row[tuple[object, ...]]) -> dict[str, str]:
    """Return the columns of a signup; parameters that are no texts tell nothing."""
    utm = {name: value for name, value in (row.utm or {}).items() if isinstance(value, str)}
    found = source_of(utm, row.page_url or "")
    return {f"new_{name}": value for name, value in zip(_COLUMNS, found, strict=True)}


def downgrade() -> None:
    for name in reversed(_COLUMNS):
        op.drop_column("signups", name)
