"""Tracking: hits are first lines in a local journal, and later rows in the database.

A web process appends a line and needs neither the database nor Redis to do so. Folding continues
from where it stopped, and its position is stored in the same transaction as the events, so that
each line gets into the database once. Lines written by the previous release are read like our own.
"""

import fcntl
import json
import os
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from nurture.domain.errors import NurtureError
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Hit, MoreHits
from nurture.services.tracking.excess import HitBudget

#: A journal is closed, and a new one begun, once it has grown to this many bytes.
_ROTATE_AT = 32 * 1024 * 1024

#: If more bytes than this wait in the journals, opens are only counted, and clicks are written
#: without what identifies the machine; above the second number, clicks are only counted as well.
OPENS_WAIT, CLICKS_WAIT = 256 * 1024 * 1024, 512 * 1024 * 1024

#: How often to check how much is waiting.
_LOOK_SECONDS = 2.0

#: How much is stored of a user agent and the like, because some programs send pages of it, and of
#: the other fields.
_AGENT, _LINK, _METHOD, _CLIENT = 300, 2000, 16, 64

#: Hits carry our own clock's time; a line with a time outside this range was not written by it.
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

#: No column can store a larger number.
_MOST = 2**31 - 1

_as_json = json.JSONEncoder(separators=(",", ":")).encode


class UnreadableLineError(NurtureError):
    """A line that no version of this program wrote, or that was damaged."""


def as_line(hit: Hit) -> bytes:
    """Write a hit as a line; nothing in it is longer than it has to be."""
    line = {
        "kind": hit.kind,
        "message": hit.message,
        "at": hit.at.isoformat(),
        "method": hit.method[:_METHOD],
        "agent": hit.user_agent[:_AGENT],
        "client": hit.client[:_CLIENT],
        "purpose": hit.purpose[:_AGENT],
        "link": hit.link[:_LINK] if hit.link is not None else None,
        "query": hit.query[:_AGENT],
    }
    return f"{_as_json(line)}\n".encode()


def as_count(beyond: MoreHits) -> bytes:
    """Write the number of hits that are only counted as a line."""
    line = {"kind": beyond.kind, "message": beyond.message, "more": beyond.more}
    return f"{_as_json(line)}\n".encode()


def from_line(content: bytes, name: str = "") -> Hit | MoreHits:
    """Parse the line called `name`, or raise `UnreadableLineError`."""
    try:
        said = json.loads(content)
        kind, message = EventKind(said["kind"]), _number(said["message"])
        if "more" in said:
            return MoreHits(message, kind, _number(said["more"]))
        return Hit(
            kind=kind,
            at=_moment(said["at"]),
            method=_text(said["method"], _METHOD),
            user_agent=_text(said["agent"], _AGENT),
            client=_text(said["client"], _CLIENT),
            purpose=_text(said["purpose"], _AGENT),
            link=None if said["link"] is None else _text(said["link"], _LINK),
            # Lines from before hits were held have no query.
            query=_text(said.get("query", ""), _AGENT),
            message=message,
            line=name,
        )
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        # The error's own text may quote the line, which must not be stored.
        raise UnreadableLineError(f"This is no hit: {type(error).__name__}.") from None


def _number(value: object) -> int:
    """Read a number that fits into a column."""
    if type(value) is not int or not 1 <= value <= _MOST:
        raise ValueError
    return value


def _moment(value: str) -> datetime:
    at = datetime.fromisoformat(value)
    if not _FIRST <= at < _LAST:
        raise ValueError
    return at


def _text(value: object, most: int) -> str:
    """Read text that every database accepts: without a NUL, and valid in UTF-8."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    value.encode()
    return value[:most]


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

    def note(self, hit: Hit) -> None:
        """Append one hit. A full disk loses the hit, never the redirect.

        Of a flood of hits on one message, and if too much waits, some are only counted.
        """
        with suppress(OSError), self._lock:
            for more in list(self._sparing.counted(hit.at)):
                self._append(as_count(more))
            wanted = self._room_for(hit)
            if wanted and self._sparing.keeps(wanted):
                self._append(as_line(wanted))
            else:
                self._sparing.count(hit)

    def _room_for(self, hit: Hit) -> Hit | None:
        """Return how much to write of a hit: the more is waiting to be folded, the less."""
        waiting = self._waiting()
        if waiting < OPENS_WAIT:
            return hit
        if hit.kind is EventKind.OPENED or waiting >= CLICKS_WAIT:
            return None
        return hit._replace(user_agent="", client="", purpose="", query="")

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
        # After half a line, on a full disk, the next one begins in a new file.
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
            self._open()  # Folding took it for a finished one before it was locked.
