"""The remains of a journal: folded lines are wiped, and unreadable ones are noted."""

import json
import os
from contextlib import suppress
from pathlib import Path

#: How much is overwritten, or read, in one go.
_PIECE = 64 * 1024

#: The largest size of the file of notes, in bytes.
_NOTES = 256 * 1024

_NAME = "unreadable.jsonl"


def blank(path: Path, place: int) -> None:
    """Overwrite everything before `place`, so that a growing file reveals nothing about anyone.

    It proceeds from the start of the file, so that a crash leaves only the part next to `place`.
    """
    file = os.open(path, os.O_RDWR)
    try:
        begin = place
        while begin > 0 and os.pread(file, 1, begin - 1) != b"\0":
            begin = max(0, begin - _PIECE)
        while begin < place:
            begin += os.pwrite(file, bytes(min(_PIECE, place - begin)), begin)
    finally:
        os.close(file)


def set_aside(path: Path, place: int, length: int, why: str) -> None:
    """Note that a line could not be read, but not its content, which may have been personal."""
    note = {"journal": path.name, "place": place, "length": length, "why": why[:200]}
    line = json.dumps(note).encode() + b"\n"
    with suppress(OSError):
        file = os.open(path.parent / _NAME, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            if os.fstat(file).st_size + len(line) <= _NOTES:
                os.write(file, line)
        finally:
            os.close(file)


def count_set_aside(directory: Path) -> int:
    """Return how many lines in this machine's journals could not be read, as far as was noted."""
    try:
        return (directory / _NAME).read_bytes().count(b"\n")
    except OSError:
        return 0
