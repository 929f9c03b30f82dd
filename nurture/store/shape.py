"""The shape of the tables: which one they have, and which programs may work with it.

A shape is named after its newest migration. During a rolling upgrade, processes of the old release
meet a shape that they do not know. A release only adds, so they may continue; whatever brought the
tables into that shape has said so in `compatibility`. If that is not recorded, they stop.
"""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    inspect,
    select,
    table,
)

from nurture.store import tables
from nurture.store.types import metadata

MIGRATIONS = Path(__file__).with_name("migrations")

#: The migrations that this process started with, whatever has been installed since.
KNOWN = frozenset(f.name.partition("_")[0] for f in (MIGRATIONS / "versions").glob("[0-9]*.py"))
NEWEST = max(KNOWN)

compatibility = Table(
    "compatibility",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    # The shape that this row is about, and the oldest shape whose programs may work with it.
    Column("shape", Text, nullable=False),
    Column("oldest", Text, nullable=False),
)

#: The first shape whose programs check whether they may work with a newer one.
FIRST = "0016"

_alembic = table("alembic_version", Column("version_num", Text))


def is_made(connection: Connection) -> bool:
    """Return whether any of our tables exist yet."""
    return inspect(connection).has_table(_alembic.name)


def shape_of(connection: Connection) -> str | None:
    """Return the shape of the existing tables."""
    found: str | None = connection.scalar(select(_alembic.c.version_num))
    return found


def is_newer(shape: str | None) -> bool:
    """Return whether a newer program made this shape; `None` is no shape at all."""
    return shape is not None and shape not in KNOWN


def may_work_with(connection: Connection, shape: str | None) -> bool:
    """Return whether this program may work with existing tables of that shape."""
    if not is_newer(shape):
        return True
    if not inspect(connection).has_table(compatibility.name):
        return False
    oldest = select(compatibility.c.oldest).where(compatibility.c.shape == shape)
    return connection.scalar(oldest) in KNOWN


def say_who_may_work(connection: Connection, shape: str, oldest: str) -> None:
    """Record that programs of the shape `oldest`, and all later ones, may work with `shape`."""
    if not inspect(connection).has_table(compatibility.name):
        return
    said = (1, shape, oldest)
    if connection.execute(select(compatibility)).first() != said:
        connection.execute(delete(compatibility))
        connection.execute(insert(compatibility).values(said))


def whole_schema() -> MetaData:
    """Load and return all tables; a new module under `tables` is found automatically."""
    for found in iter_modules(tables.__path__):
        import_module(f"{tables.__name__}.{found.name}")
    return metadata
