"""A place for backups: a folder or a bucket, each working in its own way."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from nurture.archive.journal import WithdrawalJournal
from nurture.domain.errors import NurtureError


class PlaceError(NurtureError):
    """A place for backups that cannot be used."""


class Source(Protocol):
    """Bytes to be read from the beginning."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size` of them; none at the end."""


class Sink(Protocol):
    """A destination for bytes."""

    def write(self, content: bytes, /) -> int:
        """Write the bytes; return how many were written."""


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file at a place."""

    name: str
    modified_at: datetime


class Place(Protocol):
    """A place for backups; errors are raised as `PlaceError` or `OSError`."""

    def __str__(self) -> str:
        """Return a human-readable name."""

    def location(self, name: str) -> str:
        """Return how to find a file there again."""

    def prepare(self) -> None:
        """Create the place, if it can be created."""

    def probe(self) -> None:
        """Check that the place can be reached, if it is not on this machine."""

    def entries(self) -> Iterator[PlacedFile]:
        """Yield the files at the place."""

    def read_small(self, name: str) -> bytes | None:
        """Return a whole small file; `None` if it does not exist."""

    def write_small(self, name: str, content: bytes) -> None:
        """Write a small file in one step."""

    def reading(self, name: str) -> AbstractContextManager[Source]:
        """Open a file to read it a piece at a time."""

    def writing(self, name: str) -> AbstractContextManager[Sink]:
        """Open a new file to write in pieces; it is safe when the block ends, gone if it fails."""

    def has(self, name: str) -> bool:
        """Return whether a file exists."""

    def mark(self, name: str) -> str | None:
        """Return a mark that changes with the content; `None` if the file does not exist.

        A bucket answers without reading the content.
        """

    def rename(self, name: str, to: str, sha256: str) -> None:
        """Give a file, whose digest is known, its final name."""

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""

    def journal(self, fingerprint: str) -> WithdrawalJournal:
        """Return the journal of withdrawals there for the database with that fingerprint."""

    def journals(self) -> list[WithdrawalJournal]:
        """Return all journals of withdrawals there: one for each database that backs up to it."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file and the place where it is stored."""

    place: Place
    name: str

    def __str__(self) -> str:
        return self.place.location(self.name)
