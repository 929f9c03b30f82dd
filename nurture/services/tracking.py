"""Tracking: hits are lines in a local journal first, and rows in the database later.

A web process appends a line and needs neither database nor Redis for it. Folding reads
on from where it stopped, and the place is kept in the same transaction as the events, so
that each line gets into the database once.
"""

import fcntl
import os
import secrets
from pathlib import Path
from threading import Lock

from nurture.services.journal_lines import SeenHit, as_line

#: A journal is closed and a new one begun when it has grown to this many bytes.
_ROTATE_AT = 32 * 1024 * 1024


class Journal:
    """One process's journal of hits in `directory`; safe to use from many threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = Lock()
        self._file: int | None = None
        self._pid = 0
        self._size = 0

    def note(self, seen: SeenHit) -> None:
        """Append one hit. A full disk loses the hit, never the redirect."""
        try:
            self._append(as_line(seen))
        except OSError:
            return

    def _append(self, line: bytes) -> None:
        with self._lock:
            if self._file is None or self._pid != os.getpid() or self._size > _ROTATE_AT:
                self._open()
            assert self._file is not None
            written = os.write(self._file, line)
            # After half a line, on a full disk, the next begins in a file of its own.
            self._size += written if written == len(line) else _ROTATE_AT + 1

    def _open(self) -> None:
        """Begin a new file and hold a lock on it, by which folding knows that it still grows."""
        file, self._file = self._file, None
        if file is not None and self._pid == os.getpid():
            os.close(file)
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._directory / f"hits-{os.getpid()}-{secrets.token_hex(6)}.jsonl"
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_SH)
        self._pid, self._size = os.getpid(), 0
        if os.fstat(self._file).st_nlink == 0:
            self._open()  # Folding found it before the lock, and took it for one that had served.
