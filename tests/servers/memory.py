"""Storage for files not wanted after the run: in memory, if there is enough of it.

The program waits for the disk at every commit, as it must; on a disk, half of a test's time
would be spent on that.
"""

import shutil
import tempfile
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 4 * 2**30


def quick_directory() -> Path:
    """Return a directory for temporary files, with a short name."""
    try:
        roomy = shutil.disk_usage(_IN_MEMORY).free >= _ENOUGH_BYTES
        with tempfile.TemporaryFile(dir=_IN_MEMORY):
            return _IN_MEMORY if roomy else Path("/tmp")
    except OSError:
        return Path("/tmp")
