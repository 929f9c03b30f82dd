"""Say whose series people agreed to, how they came, and whether they are clients.

Nobody agrees to more than before. Each record keeps its words; what a person now agrees to
names the forms whose series the records cover.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

import sqlalchemy as sa
from alembic import op

from nurture.store.types import Json, UtcDateTime, Words

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_MARKETING, _FORM = "marketing", "form:"

#: This many people are looked at together.
_CHUNK = 2_000

_PEOPLE = sa.table("subscribers", sa.column("id", sa.Integer), sa.column("purposes", Words))
_CONSENTS = sa.table(
    "consents",
    sa.column("id", sa.Integer),
    sa.column("subscriber_id", sa.Integer),
    sa.column("purpose", sa.Text),
    sa.column("granted", sa.Boolean),
    sa.column("source", sa.Text),
)
_REVISIONS = sa.table(
    "revisions",
    sa.column("id", sa.Integer),
    sa.column("kind", sa.Text),
    sa.column("key", sa.Text),
    sa.column("source", Json),
)


def upgrade() -> None:
    for name in ("last_name", "phone"):
        op.add_column("subscribers", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "subscribers", sa.Column("came_by", sa.Text(), nullable=False, server_default="form")
    )
    op.add_column(
        "subscribers",
        sa.Column("basis_unknown", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    for name in ("client_since", "client_until", "client_basis_at"):
        op.add_column("subscribers", sa.Column(name, UtcDateTime(timezone=True), nullable=True))
    op.add_column("enrolments", sa.Column("covered_by", sa.Text(), nullable=True))
    op.add_column("consents", sa.Column("form", sa.Text(), nullable=False, server_default=""))
    if not op.get_context().as_sql:
        _name_the_series(op.get_bind())


def _name_the_series(connection: sa.Connection) -> None:
    """Add the forms whose series people agree to beside the word for the series as a whole."""
    last, renamed = 0, _renamed(connection)
    while people := _people_after(connection, last):
        last = max(people)
        forms = {
            number: {renamed.get(form, form) for form in covered}
            for number, covered in _forms_of(connection, people)
        }
        rows = [
            {"person": number, "words": words | set(map(_series_of, forms[number]))}
            for number, words in people.items()
            if forms.get(number)
        ]
        if rows:
            change = sa.update(_PEOPLE).where(_PEOPLE.c.id == sa.bindparam("person"))
            connection.execute(change.values(purposes=sa.bindparam("words", type_=Words)), rows)


def _series_of(form: str) -> str:
    return f"series:{quote(form, safe='')}"


def _renamed(connection: sa.Connection) -> Mapping[str, str]:
    """Return the present key of each form that had another one before, in the same sequence.

    Until now a key could change freely. People who agreed under an earlier one get the same series,
    which is asked for by its present key from now on.
    """
    said = sa.select(_REVISIONS).where(_REVISIONS.c.kind == "sequence").order_by(_REVISIONS.c.id)
    keys: dict[str, list[str]] = {}
    for row in connection.execute(said):
        if form := _form_in(row.source):
            keys.setdefault(row.key, []).append(form)
    present = {forms[-1] for forms in keys.values()}
    return {form: forms[-1] for forms in keys.values() for form in forms if form not in present}


def _form_in(source: object) -> str:
    """Return the key of the form in a sequence's plan, or an empty string."""
    toml = source.get("toml") if isinstance(source, dict) else None
    try:
        form = tomllib.loads(str(toml or "")).get("form")
    except tomllib.TOMLDecodeError:
        return ""
    return str(form.get("key") or "") if isinstance(form, dict) else ""


def _people_after(connection: sa.Connection, last: int) -> dict[int, frozenset[str]]:
    """Return the next people who agree to the series, with all they agree to."""
    agree = sa.type_coerce(_PEOPLE.c.purposes, sa.Text).contains(_MARKETING)
    found = sa.select(_PEOPLE).where(_PEOPLE.c.id > last, agree).order_by(_PEOPLE.c.id)
    return {row.id: row.purposes for row in connection.execute(found.limit(_CHUNK))}


def _forms_of(connection: sa.Connection, people: Iterable[int]) -> Iterator[tuple[int, set[str]]]:
    numbers = list(people)
    theirs = sa.select(_CONSENTS).where(
        _CONSENTS.c.subscriber_id.between(min(numbers), max(numbers))
    )
    ordered = theirs.order_by(_CONSENTS.c.subscriber_id, _CONSENTS.c.id)
    said: dict[int, list[sa.Row[tuple[object, ...]]]] = {}
    for row in connection.execute(ordered):
        said.setdefault(row.subscriber_id, []).append(row)
    for number in numbers:
        yield number, _covered(said.get(number, []))


def _covered(records: Iterable[sa.Row[tuple[object, ...]]]) -> set[str]:
    """Return the forms whose series is agreed to, given one person's records, oldest first.

    On our own pages people agreed to the series of the forms that they had filled in by then.
    """
    filled_in: set[str] = set()
    agreed: set[str] = set()
    for record in records:
        form = (
            str(record.source).removeprefix(_FORM) if str(record.source).startswith(_FORM) else ""
        )
        filled_in |= {form} if form else set()
        if record.purpose == _MARKETING and record.granted:
            agreed |= {form} if form else filled_in
        elif record.purpose == _MARKETING:
            agreed = set()
    return agreed


def downgrade() -> None:
    op.drop_column("consents", "form")
    op.drop_column("enrolments", "covered_by")
    for name in ("client_basis_at", "client_until", "client_since", "basis_unknown", "came_by"):
        op.drop_column("subscribers", name)
    for name in ("phone", "last_name"):
        op.drop_column("subscribers", name)
