"""The whole schema: every table, whichever module defines it."""

from importlib import import_module
from pkgutil import iter_modules

from sqlalchemy import MetaData

from nurture.store import shape, tables
from nurture.store.types import metadata


def whole_schema() -> MetaData:
    """Load and return all tables; a new module under `tables` is found automatically."""
    for found in iter_modules(tables.__path__):
        import_module(f"{tables.__name__}.{found.name}")
    assert shape.compatibility.name in metadata.tables
    return metadata
