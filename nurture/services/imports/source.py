"""Where the rows of a list come from, and storing them in parts so that memory stays bounded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nurture.domain.imports.said import ListSaid
from nurture.sheets.apart import limited, read_apart
from nurture.sheets.list_file import ListFile, ListRead, digest_of
from nurture.sheets.spool import RowSpool

#: Told now and then: how many rows or people there are so far, and of how many, if that is known.
Progressing = Callable[[str, int, int], None]

#: How often progress is told while reading.
_EVERY = 2000


@dataclass(frozen=True, slots=True)
class ListSource:
    """A file of people; `apart` says that a stranger may have sent it."""

    path: Path
    name: str
    apart: bool = False


@dataclass(frozen=True, slots=True)
class PutAside:
    """A file that has been read once: how, and its rows in parts."""

    read: ListRead
    digest: str
    spool: RowSpool
    rows: int


def in_silence(what: str, done: int, of: int) -> None:
    """Tell nobody about progress."""


@contextmanager
def put_aside(
    source: ListSource, said: ListSaid, progressing: Progressing = in_silence
) -> Iterator[PutAside]:
    """Read a file once and spool its rows; may raise `SheetError`."""
    spool, rows = RowSpool(), 0
    try:
        digest = digest_of(source.path)
        if source.apart:
            found = read_apart(source.path, source.name, said.columns, said.encoding)
            with found as (read, lines):
                for rows, (row, line) in enumerate(lines, 1):
                    spool.add(row, line)
                    _tell(progressing, rows)
        else:
            file = ListFile(source.path, source.name, said.columns, said.encoding)
            read = file.description
            for rows, row in enumerate(limited(file.rows()), 1):
                spool.add(row)
                _tell(progressing, rows)
        yield PutAside(read, digest, spool, rows)
    finally:
        spool.close()


def _tell(progressing: Progressing, rows: int) -> None:
    if rows % _EVERY == 0:
        progressing("read", rows, 0)
