"""The files of the library, including those in linked folders."""

import os
from collections.abc import Iterator
from pathlib import Path


def files_of(root: Path) -> Iterator[Path]:
    """Yield all files under a folder, in order, by the names under which they are read.

    A folder that is a link is searched like any other, as in the library, unless it leads out of
    the root or back to where it is.
    """
    real = root.resolve()
    for folder, folders, names in os.walk(root, followlinks=True):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if _leads_on(here / name, real))
        yield from (here / name for name in sorted(names) if (here / name).is_file())


def _leads_on(folder: Path, root: Path) -> bool:
    if not folder.is_symlink():
        return True
    try:
        real = folder.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return real.is_relative_to(root) and not folder.parent.resolve().is_relative_to(real)
