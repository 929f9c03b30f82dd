"""A place where backups lie: a folder or a bucket, which do the same in their own ways."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from nurture.archive.journal import WithdrawalJournal
from nurture.domain.errors import NurtureError


class PlaceError(NurtureError):
    """The place where backups lie cannot be used."""


class Source(Protocol):
    """Bytes to be read from the beginning."""

    def read(self, size: int, /) -> bytes:
        """The next ones, at most so many; none at the end."""
        ...


class Sink(Protocol):
    """Where bytes are written to."""

    def write(self, content: bytes, /) -> int:
        """Write them; return how many were."""
        ...


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file that lies at a place."""

    name: str
    modified_at: datetime


class Place(Protocol):
    """Where backups lie. What goes wrong is raised as `PlaceError` or `OSError`."""

    def __str__(self) -> str:
        """What it is called where people read it."""
        ...

    def location(self, name: str) -> str:
        """How a file there is found again."""
        ...

    def prepare(self) -> None:
        """Make it, where it can be made."""
        ...

    def probe(self) -> None:
        """Find out whether it can be reached, where that takes more than this machine."""
        ...

    def entries(self) -> Iterator[PlacedFile]:
        """The files that lie there."""
        ...

    def read_small(self, name: str) -> bytes | None:
        """A whole small file; `None` where it is not there."""
        ...

    def write_small(self, name: str, content: bytes) -> None:
        """Write a small file at once."""
        ...

    def reading(self, name: str) -> AbstractContextManager[Source]:
        """A file, a piece at a time."""
        ...

    def writing(self, name: str) -> AbstractContextManager[Sink]:
        """A new file, a piece at a time; safe when the block ends, gone where it fails."""
        ...

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        ...

    def mark(self, name: str) -> str | None:
        """What is another once the content is; `None` where the file is not there.

        A bucket answers without the content being read.
        """
        ...

    def rename(self, name: str, to: str, sha256: str) -> None:
        """Give a file whose digest is known its name."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        ...

    def journal(self, fingerprint: str) -> WithdrawalJournal:
        """The journal of withdrawals that lies there for the database with that fingerprint."""
        ...

    def journals(self) -> list[WithdrawalJournal]:
        """All journals of withdrawals that lie there: of each database that backs up to it."""
        ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file where it lies."""

    place: Place
    name: str

    def __str__(self) -> str:
        return self.place.location(self.name)
