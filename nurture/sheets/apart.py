"""Reading a stranger's file in a process of its own, limited in time, memory and what it writes.

Whatever a file does to its parser, the calling process goes on. Starting the process takes a fifth
of a second.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import IO, Any

from nurture.domain.imports.row import ImportRow
from nurture.sheets.limits import MOST_ROWS, SheetError
from nurture.sheets.list_file import ListFile, ListRead
from nurture.sheets.spool import row_from_line, row_to_line

#: Processor seconds, elapsed seconds, and bytes of memory.
_PROCESSOR_SECONDS, _WALL_SECONDS = 90, 180.0
_MEMORY = 1 << 30

#: This module's name, which also holds when it runs as the process's own program.
_MODULE = "nurture.sheets.apart"

_END = b"end\n"
_TOO_MUCH = SheetError(
    "The file cannot be read in the time and memory that a list needs.",
    remedy="Save it as CSV, or send it in several files.",
)


@contextmanager
def read_apart(
    path: Path, name: str, columns: Mapping[str, str], encoding: str
) -> Iterator[tuple[ListRead, Iterator[tuple[ImportRow, bytes]]]]:
    """Open a file as `ListFile` does: its description, and its rows with their lines of JSON.

    Raise `SheetError` and nothing else, also when the process had to be stopped.
    """
    question = {"path": str(path), "name": name, "columns": dict(columns), "encoding": encoding}
    command = [sys.executable, "-m", _MODULE]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        stop = Timer(_WALL_SECONDS, process.kill)
        stop.start()
        try:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(json.dumps(question).encode())
            process.stdin.close()
            yield ListRead.from_values(_told(process.stdout.readline())), _rows(process.stdout)
        finally:
            stop.cancel()
            process.kill()


def _rows(answer: IO[bytes]) -> Iterator[tuple[ImportRow, bytes]]:
    for line in answer:
        if line == _END:
            return
        if line.startswith(b'{"error"'):
            _told(line)
        if not line.endswith(b"\n"):
            break
        yield row_from_line(line), line
    raise _TOO_MUCH


def _told(line: bytes) -> dict[str, Any]:
    """Return what a line says, or raise what it says went wrong."""
    if not line.endswith(b"\n"):
        raise _TOO_MUCH
    told: dict[str, Any] = json.loads(line)
    if "error" in told:
        raise SheetError(told["error"], remedy=told["remedy"])
    return told


def limited(rows: Iterator[ImportRow]) -> Iterator[ImportRow]:
    """Yield rows, and raise `SheetError` if there are more than any practice has."""
    for number, row in enumerate(rows):
        if number >= MOST_ROWS:
            raise SheetError(
                f"The list has more than {MOST_ROWS:,} rows.", remedy="Send it in several files."
            )
        yield row


def _answer(question: Mapping[str, Any], out: IO[bytes]) -> None:
    try:
        path = Path(question["path"])
        file = ListFile(path, question["name"], question["columns"], question["encoding"])
        out.write(json.dumps(file.description.as_values()).encode() + b"\n")
        for row in limited(file.rows()):
            out.write(row_to_line(row))
        out.write(_END)
    except SheetError as error:
        told = {"error": error.message, "remedy": error.remedy}
        out.write(json.dumps(told).encode() + b"\n")


def _confine() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_SECONDS, _PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    _confine()
    _answer(json.loads(sys.stdin.buffer.read()), sys.stdout.buffer)
