"""Files that only the program's own user can read, whatever the directory was before."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: The permissions of everyone but the owner.
_OTHERS = 0o077

#: What the program itself stores in its data directory. Anything else there is someone's own, and
#: is out of others' reach as soon as the directory is closed.
_OURS = (
    *("nurture.db*", "secrets.env", ".secrets.env.*", "witness-*", "erasures*", "sending-*"),
    *(
        "strange-proxy*",
        "last-published*",
        "backup-*",
        ".backup-*",
        "withdrawals-*",
        "proving-*",
        "restoring",
    ),
    *("journals", "outbox", "exports", "logs", "guides", "redis", "uploads"),
)


@dataclass(frozen=True, slots=True)
class ClosedFiles:
    """How many files and folders of a directory were closed, and which could not be."""

    directory: Path
    closed: int
    open: tuple[Path, ...]

    @property
    def sentences(self) -> list[str]:
        """What there is to say about it; nothing if everything was private."""
        return self.notes + self.warnings

    @property
    def notes(self) -> list[str]:
        """What was closed."""
        if not self.closed:
            return []
        what = "1 file or folder" if self.closed == 1 else f"{self.closed} files and folders"
        return [f"{self.directory} was open to other users of this machine: closed {what}."]

    @property
    def warnings(self) -> list[str]:
        """What is still open, why, and what to do about it."""
        return [_cannot_be_closed(self.open)] if self.open else []


def keep_private() -> None:
    """Make everything that this process and its children write readable by their user alone."""
    os.umask(_OTHERS)


def mend(directory: Path, *more: Path) -> ClosedFiles:
    """Close a data directory, the program's files in it and the files `more` to other users.

    A folder is closed before its content is looked at. Links are left alone, and so is a directory
    that everyone shares, such as /tmp.
    """
    found = list(_open_ones([directory], deep=False))
    still_open = [path for path in found if not _close(path)]
    ours = (path for name in _OURS for path in sorted(directory.glob(name)))
    for path in _open_ones([*ours, *more]):
        found.append(path)
        if not _close(path):
            still_open.append(path)
    return ClosedFiles(directory, len(found) - len(still_open), tuple(still_open))


def look_for_open(directory: Path, *more: Path) -> list[str]:
    """Say in one sentence what others can open of what `mend` would close, and close nothing."""
    ours = (path for name in _OURS for path in sorted(directory.glob(name)))
    found = [*_open_ones([directory], deep=False), *_open_ones([*ours, *more])]
    # The data directory itself protects what is in it.
    shut = directory not in found
    reachable = [path for path in found if not shut or directory not in path.parents]
    return [f"{_is_open(tuple(reachable))}."] if reachable else []


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read, replacing any old content."""
    with os.fdopen(open_private(path), "wb") as file:
        file.write(data)


def replace_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all, and sync it to disk."""
    draft = path.with_name(f".{path.name}.draft")
    write_down(draft, data)
    draft.replace(path)
    sync_folder(path.parent)


def write_down(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read; it is on the disk when this returns."""
    with os.fdopen(open_private(path), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Ensure that the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_private(path: Path) -> int:
    """Return a descriptor of an empty file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def _open_ones(paths: list[Path], deep: bool = True) -> Iterator[Path]:
    for path in paths:
        mode = _mode(path)
        if stat.S_ISLNK(mode):
            continue
        if mode & _OTHERS:
            yield path
        if deep and stat.S_ISDIR(mode):
            yield from _open_ones(_entries(path))


def _mode(path: Path) -> int:
    """Return a file's kind and permissions, or zero if it has gone meanwhile."""
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _entries(directory: Path) -> list[Path]:
    try:
        return [directory / name for name in os.listdir(directory)]
    except OSError:
        return []


def _close(path: Path) -> bool:
    """Remove other users' permissions; return whether they have none now.

    Someone else's file cannot be changed, and some file systems have no permissions.
    """
    mode = _mode(path)
    if mode & stat.S_ISVTX:
        return False
    try:
        path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
    except OSError:
        return not path.exists()
    return not _mode(path) & _OTHERS


def _is_open(paths: tuple[Path, ...]) -> str:
    first, others = paths[0], len(paths) - 1
    more = f" and {others} more" if others else ""
    return f"Other users of this machine can open {first}{more}"


def _cannot_be_closed(paths: tuple[Path, ...]) -> str:
    return f"{_is_open(paths)}: {_remedy(paths[0])}"


def _remedy(path: Path) -> str:
    """Say why it could not be closed, and what to do next."""
    mode = _mode(path)
    if mode & stat.S_ISVTX:
        return "everyone shares it. Name a folder of the program's own in NURTURE_DATA_DIR."
    owner = path.lstat().st_uid if mode else os.geteuid()
    if owner != os.geteuid():
        return f"it belongs to another user (number {owner}), who can run: chmod -R go-rwx {path}"
    return "its file system keeps no access rights. Move NURTURE_DATA_DIR to one that does."
