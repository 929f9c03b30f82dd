"""Tracking: hits are lines in a local journal first, and rows in the database later.

A web process appends a line and needs neither database nor Redis for it. Folding reads
on from where it stopped, and the place is kept in the same transaction as the events, so
that each line gets into the database once.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from nurture.domain.engagement import Hit
from nurture.domain.events import EventKind
from nurture.services.catalogue import About, about
from nurture.store import events, journals, messages
from nurture.store.messages import Followed
from nurture.store.session import Connection, Database

#: A journal is closed and a new one begun when it has grown to this many bytes.
_ROTATE_AT = 32 * 1024 * 1024

#: How much of a journal is folded in one transaction.
_CHUNK = 2 * 1024 * 1024

#: Text that every database takes.
_Storable = Annotated[str, Field(pattern=r"^[^\x00]*$")]

#: What is kept of a user agent and the like; some programs send pages of it.
_AGENT = 300


@dataclass(frozen=True, slots=True)
class SeenHit:
    """A hit on one message."""

    message: int
    hit: Hit


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
            self._append(_as_line(seen))
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


def fold_journals(database: Database, directory: Path) -> int:
    """Bring all journals of this machine into the database; return how many lines that were."""
    folded = 0
    for path in sorted(directory.glob("hits-*.jsonl")):
        with suppress(FileNotFoundError):  # Another process has folded it and removed it.
            while chunk := _fold_chunk(database, path):
                folded += chunk
            _remove_if_finished(database, path)
    return folded


def _fold_chunk(database: Database, path: Path) -> int:
    with database.reading() as connection:
        place = journals.find_folded(connection, path.name)
    if path.stat().st_size <= place:
        return 0
    with database.writing() as connection:
        place = journals.folded_up_to(connection, path.name)
        lines = list(_whole_lines(path, place))
        events.add_events(connection, _rows(connection, path.name, lines))
        end = lines[-1][0] + len(lines[-1][1]) if lines else place
        journals.set_folded(connection, path.name, end)
    return len(lines)


def _whole_lines(path: Path, place: int) -> Iterator[tuple[int, bytes]]:
    """The finished lines from `place` on, each with its own place in the file."""
    with path.open("rb") as file:
        file.seek(place)
        chunk = file.read(_CHUNK)
    for line in chunk.splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield place, line
        place += len(line)


def _rows(
    connection: Connection, journal: str, lines: Iterable[tuple[int, bytes]]
) -> list[dict[str, Any]]:
    """The hits as events. What somebody has not agreed to, or no longer, is not kept."""
    seen = [(place, hit) for place, line in lines if (hit := _from_line(line))]
    known = messages.followed(connection, {hit.message for _, hit in seen})
    subjects = about(connection, {one.revision for one in known.values()})
    return [
        _row(f"{journal}:{place}", hit, known[hit.message], subjects)
        for place, hit in seen
        if hit.message in known
    ]


def _row(
    source_key: str, seen: SeenHit, message: Followed, subjects: Mapping[int, About]
) -> dict[str, Any]:
    hit, subject = seen.hit, subjects.get(message.revision)
    return {
        "kind": hit.kind,
        "subscriber_id": message.subscriber,
        "message_id": seen.message,
        "happened_at": hit.at,
        "email": message.email,
        "topics": subject.topics_of(hit.link) if subject else None,
        "source": "hit",
        "source_key": source_key,
        "link": hit.link,
        "method": hit.method,
        "client": hit.client,
        "user_agent": hit.user_agent,
        "query": hit.query or None,
        "raw": {"purpose": hit.purpose} if hit.purpose else None,
    }


def _remove_if_finished(database: Database, path: Path) -> None:
    """A journal whose writer is gone and whose lines are folded has served.

    What a crash left of a last line is nothing that could be read.
    """
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        with database.writing() as connection:
            place = journals.folded_up_to(connection, path.name)
            if list(_whole_lines(path, place)):
                return
            journals.forget_journal(connection, path.name)
        path.unlink(missing_ok=True)


def _as_line(seen: SeenHit) -> bytes:
    hit = seen.hit
    document = {
        "kind": hit.kind,
        "message": seen.message,
        "at": hit.at.isoformat(),
        "method": hit.method,
        "agent": hit.user_agent[:_AGENT],
        "client": hit.client,
        "purpose": hit.purpose[:_AGENT],
        "link": hit.link,
        "query": hit.query[:_AGENT],
    }
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


class _Line(BaseModel):
    """A journal's line as this version writes it."""

    model_config = ConfigDict(strict=True)

    kind: EventKind
    message: int = Field(ge=1, le=2**31 - 1)
    at: AwareDatetime
    method: _Storable
    agent: _Storable
    client: _Storable
    purpose: _Storable
    link: _Storable | None
    query: _Storable = ""


def _from_line(line: bytes) -> SeenHit | None:
    """A line that a crash cut short, or that another version wrote, is passed over."""
    try:
        read = _Line.model_validate_json(line)
    except ValidationError:
        return None
    hit = Hit(
        read.kind,
        read.at,
        read.method,
        read.agent,
        read.client,
        read.purpose,
        read.link,
        read.query,
    )
    return SeenHit(read.message, hit)
