"""Folding: moving the contents of the journals into the database, each line once.

Only what existed when folding began is folded, so that it ends however many hits keep coming.
Lines are read, and what they are about is looked up, before the database is locked for writing;
the position in a journal is stored in the same short transaction as its events. What has been
folded is then overwritten: it describes people's machines, and is no longer needed there.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from nurture.domain.tracking.hits import Hit, MoreHits
from nurture.services.catalogue import EmailContents, about
from nurture.services.tracking.excess import HitAllowance
from nurture.services.tracking.journal import UnreadableLineError, from_line, waiting_in
from nurture.services.tracking.remains import blank, set_aside
from nurture.store.database import Connection, Database
from nurture.store.queries.hits import add_hits
from nurture.store.tables import hits_beyond, journals, messages
from nurture.store.tables.messages import Followed

#: How much of a journal is folded in one transaction, which then takes a few milliseconds.
_CHUNK = 256 * 1024

#: This much is folded within about a second.
_LITTLE = 8 * 1024 * 1024

#: A finished line, or the beginning of one that is too long, and where it begins and ends.
_Line = tuple[bytes, int, int]


def fold_journals(database: Database, directory: Path) -> int:
    """Fold all journals on this machine into the database; return the number of lines.

    If another process is doing so, there is nothing to do.
    """
    with _alone_in(directory) as alone:
        if not alone:
            return 0
        found = sorted(directory.glob("hits-*.jsonl"))
        sizes = {path: path.stat().st_size for path in found}
        return sum(_fold(database, path, size) for path, size in sizes.items())


def fold_a_little(database: Database, directory: Path) -> None:
    """Fold now what an erasure must find, unless so much is waiting that the next tick does it."""
    if waiting_in(directory) <= _LITTLE:
        fold_journals(database, directory)


def waiting_since(connection: Connection, directory: Path) -> datetime | None:
    """Return the time of the earliest hit in this machine's journals that has not been folded.

    Return `None` if all are folded. A line without a time is as old as its file.
    """
    found = (_first_of(connection, path) for path in sorted(directory.glob("hits-*.jsonl")))
    return min((at for at in found if at is not None), default=None)


def _first_of(connection: Connection, path: Path) -> datetime | None:
    place = journals.find_folded(connection, path.name)
    with suppress(FileNotFoundError):
        lines = list(_whole_lines(path, place, min(path.stat().st_size, place + _CHUNK)))
        if lines:
            with suppress(UnreadableLineError):
                first = from_line(lines[0][0])
                if isinstance(first, Hit):
                    return first.at
            return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return None


@contextmanager
def _alone_in(directory: Path) -> Iterator[bool]:
    """Yield whether this process is the only one folding here; if so, it remains the only one."""
    try:
        file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False  # Nothing has been written yet.
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
    with suppress(FileNotFoundError):
        blank(path, place)
        while lines := list(_whole_lines(path, place, size)):
            place = _fold_lines(database, path, place, lines)
            blank(path, place)
            folded += len(lines)
        _remove_if_finished(database, path)
    return folded


def _whole_lines(path: Path, place: int, size: int) -> Iterator[_Line]:
    """Yield the next complete lines from `place` on."""
    with path.open("rb") as file:
        file.seek(place)
        chunk = file.read(max(0, min(_CHUNK, size - place)))
        if b"\n" not in chunk and len(chunk) == _CHUNK:
            # No one writes a line this long; only its end will be known, not its content.
            if end := _end_of_line(file, size):
                yield chunk, place, end
            return
    for line in chunk.splitlines(keepends=True) if chunk else ():
        if line.endswith(b"\n"):
            yield line, place, place + len(line)
        place += len(line)


def _end_of_line(file: BinaryIO, size: int) -> int | None:
    while file.tell() < size:
        begin, chunk = file.tell(), file.read(_CHUNK)
        if (found := chunk.find(b"\n")) >= 0:
            return begin + found + 1
    return None


def _fold_lines(database: Database, path: Path, place: int, lines: Sequence[_Line]) -> int:
    """Fold these lines; return the position after them.

    Hits without consent, or after it was withdrawn, are not stored; this is checked again, and
    decided, when the events are written.
    """
    read, end = _read(path, lines), lines[-1][-1]
    with database.reading() as connection:
        known = messages.followed(connection, {one.message for one in read})
        subjects = about(connection, {one.revision for one in known.values()})
        room = HitAllowance(hits_beyond.kept_of(connection, known))
    new = []
    for one in read:
        if isinstance(one, MoreHits):
            room.count(one)
        elif (followed := known.get(one.message)) and room.takes(one):
            new.append(_about(one, followed, subjects.get(followed.revision)))
    with database.writing() as connection:
        if journals.folded_up_to(connection, path.name) == place:
            still = messages.followed(connection, known, hold=True)
            add_hits(connection, [one for one in new if one[0].message in still])
            hits_beyond.count_beyond(connection, room.beyond(still))
            journals.set_folded(connection, path.name, end)
    return end


def _about(
    hit: Hit, followed: Followed, subject: EmailContents | None
) -> tuple[Hit, Followed, frozenset[str] | None]:
    """Return a hit with the link as its email has it, and with the topics of that link."""
    if subject is None:
        return hit, followed, None
    link = subject.own_link(hit.link)
    return hit._replace(link=link), followed, subject.topics_of(link)


def _read(path: Path, lines: Iterable[_Line]) -> list[Hit | MoreHits]:
    """Parse the lines; note the position of those that cannot be parsed."""
    read: list[Hit | MoreHits] = []
    for content, place, end in lines:
        try:
            read.append(from_line(content, f"{path.name}:{place}"))
        except UnreadableLineError as error:
            set_aside(path, place, end - place, str(error))
    return read


def _remove_if_finished(database: Database, path: Path) -> None:
    """Delete a journal whose writer is gone and whose lines are folded.

    The rest of a last line that a crash cut off could not be read anyway.
    """
    with path.open("rb") as file:
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
