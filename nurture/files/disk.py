"""The monitor of free disk space, measured rarely and asked at every request."""

import errno
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from nurture.domain.disk_space import DiskSpace, DiskUse, say_stopped, stopped
from nurture.domain.errors import NurtureError

#: What to do about a disk that is nearly full.
MAKE_ROOM = (
    "Make room there (old backups and log files are a good beginning), or move NURTURE_DATA_DIR to "
    "a larger disk; everything goes on by itself."
)

#: A measurement is trusted for this many seconds; a disk does not fill up faster.
_BELIEVED = 3.0


#: What to do if a file cannot be used, by the system's error.
_REMEDIES = {
    errno.ENOSPC: "Make room on its disk; nothing that was kept is lost.",
    errno.EDQUOT: "Make room, or have this user’s quota raised; nothing that was kept is lost.",
    errno.EROFS: "Mount its file system for writing.",
    errno.EACCES: "Let this user read and write it.",
    errno.EPERM: "Let this user read and write it.",
}


class UnusableFileError(NurtureError):
    """A file or folder that cannot be used."""


def unusable(error: OSError) -> UnusableFileError | None:
    """Return the system's error as one that a person can put right; `None` for any other."""
    if error.errno not in _REMEDIES:
        return None
    what = error.filename or "A file"
    said = f"{what} cannot be used: {error.strerror}."
    return UnusableFileError(said, remedy=remedy_for(error))


def remedy_for(error: OSError, otherwise: str = "") -> str:
    """Return what to do next if a file cannot be used."""
    return _REMEDIES.get(error.errno or 0, otherwise)


class DiskFullError(NurtureError):
    """The error for something that has stopped because the disk is nearly full."""


Probe = Callable[[Path], DiskSpace]


def look(path: Path) -> DiskSpace:
    """Return the space on the file system of a path, which need not exist yet; raise `OSError`."""
    there = next(one for one in (path, *path.absolute().parents) if one.exists())
    found = os.statvfs(there)
    return DiskSpace(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


class Disk:
    """A monitor of the file systems of some paths; safe to ask from many threads."""

    def __init__(self, paths: Sequence[Path], probe: Probe = look) -> None:
        self._paths, self._probe = tuple(paths), probe
        self._stopped: tuple[DiskUse, ...] = ()
        self._until = 0.0

    @property
    def stopped(self) -> tuple[DiskUse, ...]:
        """What has stopped, in the order in which uses stop."""
        now = time.monotonic()
        if now >= self._until:
            # Two threads that measure at the same time see the same.
            self._stopped = stopped(self._rooms().values())
            self._until = now + _BELIEVED
        return self._stopped

    def allows(self, use: DiskUse) -> bool:
        """Return whether there is room for that use."""
        return use not in self.stopped

    def insist(self, use: DiskUse) -> None:
        """Raise `DiskFullError` if there is no room for that use."""
        if not self.allows(use):
            raise DiskFullError(
                "The server is short of room, so this has stopped for now.",
                remedy="Please try again later.",
            )

    @property
    def trouble(self) -> str:
        """What has stopped and what to do about it; empty while there is enough room."""
        return f"{self.shortage} {MAKE_ROOM}" if self.shortage else ""

    @property
    def shortage(self) -> str:
        """What has stopped; empty while there is enough room."""
        uses, rooms = self.stopped, self._rooms()
        if not uses or not rooms:
            return ""
        where = min(rooms, key=lambda path: rooms[path].free)
        left = f"{rooms[where].free / 1e6:,.0f} MB"
        return f"The disk of {where} has {left} left. Stopped: {say_stopped(uses)}."

    def _rooms(self) -> dict[Path, DiskSpace]:
        rooms = {}
        for path in self._paths:
            with suppress(OSError):  # If it cannot be measured, there is assumed to be room.
                rooms[path] = self._probe(path)
        return rooms
