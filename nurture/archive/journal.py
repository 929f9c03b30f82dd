"""The journal of withdrawals: beside the backups, one line per opt-out, append-only.

A line names nobody: it contains the keyed hash of an address, the kind and the time. The number in
the last line says how far the journal has come, so that nothing else has to be remembered. In a
folder it is one file; in a bucket, where nothing can be appended to, it is split into segments.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from nurture.domain.errors import NurtureError

#: The prefix of every journal's name.
JOURNALS = "withdrawals-"

#: The last line is within this many bytes of the end.
_TAIL = 4096


class DamagedJournalError(NurtureError):
    """A line of a journal that is not what was written."""


@dataclass(frozen=True, slots=True)
class WithdrawalLine:
    """One opt-out; `noted_at` is when it was copied out of the database."""

    number: int
    address_hash: str
    kind: str
    happened_at: datetime
    noted_at: datetime


#: A function that returns what comes after a number.
More = Callable[[int], Sequence[WithdrawalLine]]


class WithdrawalJournal(Protocol):
    """A journal of lines; errors are raised as `OSError` or `PlaceError`."""

    def __str__(self) -> str:
        """Return a human-readable name."""

    def exists(self) -> bool:
        """Return whether the journal exists yet."""

    def last_number(self, wanted: int) -> int:
        """Return how far it has come; if last seen at `wanted`, it need not be read again."""

    def append(self, more: More) -> int:
        """Append whatever `more` returns after the last number, safely; return how many lines."""

    def lines(self) -> Iterator[WithdrawalLine]:
        """Yield all whole lines, in order."""


@dataclass(frozen=True, slots=True)
class JournalFile:
    """The journal as one file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        """Return whether the file exists."""
        return self.path.is_file()

    def last_number(self, wanted: int = 0) -> int:
        """Return the number in the last whole line, or zero if there is none."""
        try:
            with self.path.open("rb") as file:
                return _last_number(file.fileno(), self.path)
        except FileNotFoundError:
            return 0

    def append(self, more: More) -> int:
        """Append what `more` returns after the last number, safely on disk; return how many.

        Only one process at a time does this, of all that have the file; an unfinished line is
        removed first.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            lines = more(_last_number(descriptor, self.path))
            os.ftruncate(descriptor, _whole(descriptor))
            os.lseek(descriptor, 0, os.SEEK_END)
            _write_all(descriptor, b"".join(map(as_bytes, lines)))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return len(lines)

    def lines(self) -> Iterator[WithdrawalLine]:
        """Yield all whole lines, in order."""
        with self.path.open("rb") as file:
            whole = (line for line in file if line.endswith(b"\n"))
            for number, line in enumerate(whole, start=1):
                yield read_line(line, f"{self.path}, line {number}")


def journal_name(fingerprint: str) -> str:
    """Return the name of the journal for the database with that fingerprint."""
    return f"{JOURNALS}{fingerprint}.jsonl"


def as_bytes(line: WithdrawalLine) -> bytes:
    """Return a line as it is written."""
    said = {
        "n": line.number,
        "hash": line.address_hash,
        "kind": line.kind,
        "at": line.happened_at.isoformat(),
        "noted": line.noted_at.isoformat(),
    }
    return json.dumps(said).encode() + b"\n"


def read_line(line: bytes, where: str) -> WithdrawalLine:
    """Read a line as it was written; raise `DamagedJournalError`, which says where it is."""
    try:
        said = json.loads(line)
        at, noted = (datetime.fromisoformat(said[name]) for name in ("at", "noted"))
        return WithdrawalLine(int(said["n"]), str(said["hash"]), str(said["kind"]), at, noted)
    except (ValueError, TypeError, LookupError):
        raise DamagedJournalError(
            f"{where}: it is damaged, and no longer says who opted out.",
            remedy="Replace the file with a copy of it. If there is none, delete that line only: "
            "the person it was about may then be emailed.",
        ) from None


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _tail(descriptor: int) -> tuple[int, bytes]:
    size = os.fstat(descriptor).st_size
    begin = max(size - _TAIL, 0)
    return begin, os.pread(descriptor, _TAIL, begin)


def _whole(descriptor: int) -> int:
    """Return the length of the file up to the end of its last whole line."""
    begin, tail = _tail(descriptor)
    return begin + tail.rfind(b"\n") + 1


def _last_number(descriptor: int, path: Path) -> int:
    _, tail = _tail(descriptor)
    whole = tail[: tail.rfind(b"\n") + 1].splitlines()
    return read_line(whole[-1], f"{path}, the last line").number if whole else 0
