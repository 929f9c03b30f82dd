"""The whole schema: every table there is, whichever module it is in."""

from importlib import import_module
from pkgutil import iter_modules

from sqlalchemy import MetaData

from nurture.store import shape, tables
from nurture.store.types import metadata


def whole_schema() -> MetaData:
    """All tables, each loaded; a new module under `tables` is found by itself."""
    for found in iter_modules(tables.__path__):
        import_module(f"{tables.__name__}.{found.name}")
    assert shape.compatibility.name in metadata.tables
    return metadata
