"""The shape of the tables: which one they have, and which programs may work with it.

A shape is named after its newest migration. During a rolling upgrade, processes of the old release
meet a shape that they do not know. A release only adds, so they may continue; whatever brought the
tables into that shape has said so in `compatibility`. If that is not recorded, they stop.
"""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import sqlalchemy as sa

from nurture.store import tables
from nurture.store.types import metadata

MIGRATIONS = Path(__file__).with_name("migrations")

#: The migrations that this process started with, whatever has been installed since.
KNOWN = frozenset(f.name.partition("_")[0] for f in (MIGRATIONS / "versions").glob("[0-9]*.py"))
NEWEST = max(KNOWN)

compatibility = sa.Table(
    "compatibility",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    # The shape that this row is about, and the oldest shape whose programs may work with it.
    sa.Column("shape", sa.Text, nullable=False),
    sa.Column("oldest", sa.Text, nullable=False),
)

#: The first shape whose programs check whether they may work with a newer one.
FIRST = "0016"

_alembic = sa.table("alembic_version", sa.Column("version_num", sa.Text))


def is_made(connection: sa.Connection) -> bool:
    """Return whether any of our tables exist yet."""
    return sa.inspect(connection).has_table(_alembic.name)


def shape_of(connection: sa.Connection) -> str | None:
    """Return the shape of the existing tables."""
    found: str | None = connection.scalar(sa.select(_alembic.c.version_num))
    return found


def is_newer(shape: str | None) -> bool:
    """Return whether a newer program made this shape; `None` is no shape at all."""
    return shape is not None and shape not in KNOWN


def may_work_with(connection: sa.Connection, shape: str | None) -> bool:
    """Return whether this program may work with existing tables of that shape."""
    if not is_newer(shape):
        return True
    if not sa.inspect(connection).has_table(compatibility.name):
        return False
    oldest = sa.select(compatibility.c.oldest).where(compatibility.c.shape == shape)
    return connection.scalar(oldest) in KNOWN


def say_who_may_work(connection: sa.Connection, shape: str, oldest: str) -> None:
    """Record that programs of the shape `oldest`, and all later ones, may work with `shape`."""
    if not sa.inspect(connection).has_table(compatibility.name):
        return
    said = (1, shape, oldest)
    if connection.execute(sa.select(compatibility)).first() != said:
        connection.execute(sa.delete(compatibility))
        connection.execute(sa.insert(compatibility).values(said))


def whole_schema() -> sa.MetaData:
    """Load and return all tables; a new module under `tables` is found automatically."""
    for found in iter_modules(tables.__path__):
        import_module(f"{tables.__name__}.{found.name}")
    return metadata
