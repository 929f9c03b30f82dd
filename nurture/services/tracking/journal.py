"""The hit journal: hits are first lines in a local file, and later rows in the database.

A web process appends a line and needs neither database nor Redis for that. Folding reads on
from where it stopped, and stores its position in the same transaction as the events, so that
each line enters the database once.
"""

import fcntl
import os
import secrets
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock

from nurture.domain.tracking.events import EventKind
from nurture.services.tracking.excess import HitBudget
from nurture.services.tracking.lines import SeenHit, as_count, as_line

#: A journal is closed and a new one begun when it has grown to this many bytes.
_ROTATE_AT = 32 * 1024 * 1024

#: Beyond so many bytes that wait in the journals opens are only counted and clicks are written
#: without what tells of the machine; beyond the second number these are only counted as well.
OPENS_WAIT, CLICKS_WAIT = 256 * 1024 * 1024, 512 * 1024 * 1024

#: How often it is looked how much waits.
_LOOK_SECONDS = 2.0


def waiting_in(directory: Path) -> int:
    """Return the number of bytes in this machine's journals."""
    try:
        with os.scandir(directory) as found:
            return sum(one.stat().st_size for one in found if one.name.startswith("hits-"))
    except OSError:
        return 0


class HitJournal:
    """One process's journal of hits in `directory`; safe to use from many threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = Lock()
        self._file: int | None = None
        self._pid = 0
        self._size = 0
        self._sparing = HitBudget()
        self._waits, self._look_at = 0, 0.0

    def note(self, seen: SeenHit) -> None:
        """Append one hit. A full disk loses the hit, never the redirect.

        In a flood of hits on one message, or if too much is waiting, some are only counted.
        """
        with suppress(OSError), self._lock:
            for more in list(self._sparing.counted(seen.hit.at)):
                self._append(as_count(more))
            wanted = self._room_for(seen)
            if wanted and self._sparing.keeps(wanted):
                self._append(as_line(wanted))
            else:
                self._sparing.count(seen)

    def _room_for(self, seen: SeenHit) -> SeenHit | None:
        """Return what to write of a hit: the more is waiting to be folded, the less."""
        waiting = self._waiting()
        if waiting < OPENS_WAIT:
            return seen
        if seen.hit.kind is EventKind.OPENED or waiting >= CLICKS_WAIT:
            return None
        return replace(seen, hit=replace(seen.hit, user_agent="", client="", purpose="", query=""))

    def _waiting(self) -> int:
        """Return how many bytes are waiting here, as of a moment ago."""
        if time.monotonic() >= self._look_at:
            self._waits = waiting_in(self._directory)
            self._look_at = time.monotonic() + _LOOK_SECONDS
        return self._waits

    def _append(self, line: bytes) -> None:
        if self._file is None or self._pid != os.getpid() or self._size > _ROTATE_AT:
            self._open()
        assert self._file is not None
        written = os.write(self._file, line)
        # After half a line, on a full disk, the next begins in a file of its own.
        self._size += written if written == len(line) else _ROTATE_AT + 1

    def _open(self) -> None:
        """Start a new file and lock it, which tells folding that it is still growing."""
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
