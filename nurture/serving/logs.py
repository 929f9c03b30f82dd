"""The output of children, line by line, and log files that never fill a disk."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

#: How many bytes a child may write while nobody reads, as when Redis is being restarted.
_UNHEARD = 1 << 20

#: A file is rotated before it would exceed this many bytes, and this many are kept.
_LARGEST, _KEPT = 2_000_000, 3


class Log:
    """A file that one process appends to; `web.log.1` is the most recently rotated one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)

    def write(self, line: bytes) -> None:
        """Append a line; on a full disk it is lost, and the program continues."""
        with suppress(OSError):
            if self._file.tell() + len(line) > _LARGEST:
                self._put_aside()
        with suppress(OSError):
            self._file.write(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _put_aside(self) -> None:
        """Rotate to a new file; if none can be opened, continue with the old one."""
        if self.path.exists():
            put_aside(self.path)
        fresh = self.path.open("ab", buffering=0)
        self._file.close()
        self._file = fresh


def put_aside(path: Path, kept: int = _KEPT) -> None:
    """Rename a log file to `….1`, and previously rotated ones to the next number."""
    for number in range(kept, 0, -1):
        older = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
        with suppress(FileNotFoundError):
            older.rename(path.with_name(f"{path.name}.{number}"))


class Lines:
    """The output of a pipe, line by line."""

    def __init__(self, source: int | None = None) -> None:
        self.source, self._rest = source, b""

    @classmethod
    def piped(cls) -> tuple[Self, int]:
        """Return the lines to come, and the write end of their pipe."""
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):
                fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, _UNHEARD)
        return cls(ours), theirs

    def read(self) -> Iterator[bytes]:
        """Yield the lines received so far; at the end of input, also an unterminated last line."""
        if self.source is None:
            return
        try:
            got = os.read(self.source, _UNHEARD)
        except BlockingIOError:
            return
        *whole, self._rest = (self._rest + got).split(b"\n")
        yield from (line + b"\n" for line in whole)
        if self._rest and (not got or len(self._rest) > _UNHEARD):
            yield self._rest
            self._rest = b""

    def close(self) -> None:
        """Close the pipe."""
        if self.source is not None:
            os.close(self.source)
            self.source = None
