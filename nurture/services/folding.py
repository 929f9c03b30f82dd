"""Folding: what the journals hold is brought into the database, each line once.

What was there when folding began is folded and no more, so that it ends however many hits keep
coming. Lines are read, and what they are about is looked up, before the database is locked for
writing; the place in a journal is kept in the same short transaction as its events.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nurture.services.catalogue import About, about
from nurture.services.journal_lines import SeenHit, from_line
from nurture.store import events, journals, messages
from nurture.store.messages import Followed
from nurture.store.session import Database

#: How much of a journal is folded in one transaction, which then takes some milliseconds.
_CHUNK = 256 * 1024


def fold_journals(database: Database, directory: Path) -> int:
    """Bring all journals of this machine into the database; return how many lines that were.

    Where another process is at it, nothing is left to do.
    """
    with _alone_in(directory) as alone:
        if not alone:
            return 0
        found = sorted(directory.glob("hits-*.jsonl"))
        sizes = {path: path.stat().st_size for path in found}
        return sum(_fold(database, path, size) for path, size in sizes.items())


@contextmanager
def _alone_in(directory: Path) -> Iterator[bool]:
    """Whether this process is the only one that folds here, as it then stays."""
    try:
        file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False  # Nothing has ever been written.
        return
    try:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
            return
        yield False
    finally:
        os.close(file)


def _fold(database: Database, path: Path, size: int) -> int:
    folded = 0
    with database.reading() as connection:
        place = journals.find_folded(connection, path.name)
    while place < size:
        lines = list(_whole_lines(path, place, size))
        if not lines:
            break
        place = _fold_lines(database, path.name, place, lines)
        folded += len(lines)
    _remove_if_finished(database, path)
    return folded


def _whole_lines(path: Path, place: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The next finished lines from `place` on, each with its own place in the file."""
    with path.open("rb") as file:
        file.seek(place)
        chunk = file.read(min(_CHUNK, end - place))
    for line in chunk.splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield place, line
        place += len(line)


def _fold_lines(
    database: Database, journal: str, place: int, lines: list[tuple[int, bytes]]
) -> int:
    """Fold these lines; return the place after them.

    What somebody has not agreed to, or no longer, is not kept; that is asked once more, and
    settled, when the events are written.
    """
    seen = [(at, hit) for at, line in lines if (hit := from_line(line))]
    after = lines[-1][0] + len(lines[-1][1])
    numbers = {hit.message for _, hit in seen}
    with database.reading() as connection:
        known = messages.followed(connection, numbers)
        subjects = about(connection, {one.revision for one in known.values()})
    rows = _rows(journal, seen, known, subjects)
    with database.writing() as connection:
        if journals.folded_up_to(connection, journal) == place:
            still = messages.followed(connection, known, hold=True)
            events.add_events(connection, [row for row in rows if row["message_id"] in still])
            journals.set_folded(connection, journal, after)
    return after


def _rows(
    journal: str,
    seen: Iterable[tuple[int, SeenHit]],
    known: Mapping[int, Followed],
    subjects: Mapping[int, About],
) -> list[dict[str, Any]]:
    """The hits as events."""
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
    with suppress(FileNotFoundError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        with database.reading() as connection:
            place = journals.find_folded(connection, path.name)
        if any(_whole_lines(path, place, path.stat().st_size)):
            return
        with database.writing() as connection:
            journals.forget_journal(connection, path.name)
        path.unlink(missing_ok=True)
