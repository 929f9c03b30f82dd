"""The shape of the tables: which one they have, and which programs may work with it.

A shape is named by its newest migration. While an upgrade rolls out, processes of the last release
meet a shape that they do not know. A release only adds, so they may go on; what brought the
tables into that shape has written so into `compatibility`. Where that is not written, they stop.
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

#: The migrations that this process came with, whatever has been installed since.
KNOWN = frozenset(f.name.partition("_")[0] for f in (MIGRATIONS / "versions").glob("[0-9]*.py"))
NEWEST = max(KNOWN)

compatibility = Table(
    "compatibility",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    # The shape about which it is said, and the oldest one whose programs may work with it.
    Column("shape", Text, nullable=False),
    Column("oldest", Text, nullable=False),
)

#: The first shape whose programs ask whether they may work with a newer one.
FIRST = "0016"

_alembic = table("alembic_version", Column("version_num", Text))


def is_made(connection: Connection) -> bool:
    """Whether there are any tables of ours yet."""
    return inspect(connection).has_table(_alembic.name)


def shape_of(connection: Connection) -> str | None:
    """The shape of the tables that are there."""
    found: str | None = connection.scalar(select(_alembic.c.version_num))
    return found


def is_newer(shape: str | None) -> bool:
    """Whether a newer program has made this shape; `None` is no shape at all."""
    return shape is not None and shape not in KNOWN


def may_work_with(connection: Connection, shape: str | None) -> bool:
    """Whether this program may work with tables of that shape, which are there."""
    if not is_newer(shape):
        return True
    if not inspect(connection).has_table(compatibility.name):
        return False
    oldest = select(compatibility.c.oldest).where(compatibility.c.shape == shape)
    return connection.scalar(oldest) in KNOWN


def say_who_may_work(connection: Connection, shape: str, oldest: str) -> None:
    """Keep that programs of the shape `oldest`, and all since, may work with tables of `shape`."""
    if not inspect(connection).has_table(compatibility.name):
        return
    said = (1, shape, oldest)
    if connection.execute(select(compatibility)).first() != said:
        connection.execute(delete(compatibility))
        connection.execute(insert(compatibility).values(said))


def whole_schema() -> MetaData:
    """All tables, each loaded; a new module under `tables` is found by itself."""
    for found in iter_modules(tables.__path__):
        import_module(f"{tables.__name__}.{found.name}")
    return metadata
