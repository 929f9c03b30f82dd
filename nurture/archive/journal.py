"""The journal of withdrawals: a small file beside the backups, a line for each no, only added to.

A line names nobody: it holds the keyed hash of an address, the kind and the time. The number in
the last line says how far the file has come, so that nothing else has to be remembered.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

#: The last line is within so many bytes.
_TAIL = 4096


@dataclass(frozen=True, slots=True)
class Line:
    """One no; `noted_at` is when it was copied out of the database."""

    number: int
    address_hash: str
    kind: str
    happened_at: datetime
    noted_at: datetime


def journal_name(fingerprint: str) -> str:
    """What the journal of the database with that fingerprint is called."""
    return f"withdrawals-{fingerprint}.jsonl"


def last_number(path: Path) -> int:
    """The number in the last whole line; zero where there is none."""
    try:
        with path.open("rb") as file:
            return _last_number(file.fileno())
    except FileNotFoundError:
        return 0


def append(path: Path, more: Callable[[int], Sequence[Line]]) -> int:
    """Add what there is `more` after the last number, safely on the disk; return how many.

    One process at a time does, of all that have the file; a line that was left unfinished
    goes first.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        lines = more(_last_number(descriptor))
        os.ftruncate(descriptor, _whole(descriptor))
        os.lseek(descriptor, 0, os.SEEK_END)
        _write_all(descriptor, b"".join(map(_as_bytes, lines)))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return len(lines)


def read_lines(path: Path) -> Iterator[Line]:
    """All whole lines, in their order."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield _line(line)


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _tail(descriptor: int) -> tuple[int, bytes]:
    size = os.fstat(descriptor).st_size
    begin = max(size - _TAIL, 0)
    return begin, os.pread(descriptor, _TAIL, begin)


def _whole(descriptor: int) -> int:
    """How long the file is up to the end of its last whole line."""
    begin, tail = _tail(descriptor)
    return begin + tail.rfind(b"\n") + 1


def _last_number(descriptor: int) -> int:
    _, tail = _tail(descriptor)
    whole = tail[: tail.rfind(b"\n") + 1].splitlines()
    return _line(whole[-1]).number if whole else 0


def _as_bytes(line: Line) -> bytes:
    said = {
        "n": line.number,
        "hash": line.address_hash,
        "kind": line.kind,
        "at": line.happened_at.isoformat(),
        "noted": line.noted_at.isoformat(),
    }
    return json.dumps(said).encode() + b"\n"


def _line(line: bytes) -> Line:
    said = json.loads(line)
    at, noted = (datetime.fromisoformat(said[name]) for name in ("at", "noted"))
    return Line(said["n"], said["hash"], said["kind"], at, noted)
