"""The rights to read what is in a folder."""

import stat
from pathlib import Path


def rights(path: Path) -> int:
    """Return the permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def open_paths(directory: Path) -> list[Path]:
    """Return the paths to which anyone but the owner has access."""
    return [path for path in [directory, *directory.rglob("*")] if rights(path) & 0o077]
