"""A folder as the place for backups: best a mounted one, on another machine's disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path

from nurture.archive.journal import JOURNALS, JournalFile, WithdrawalJournal, journal_name
from nurture.archive.place import PlacedFile, Sink, Source
from nurture.files.private import open_private, replace_private, sync_folder


@dataclass(frozen=True, slots=True)
class Folder:
    """A place on a disk."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def location(self, name: str) -> str:
        """Return the path of a file."""
        return str(self.path.absolute() / name)

    def prepare(self) -> None:
        """Make the folder."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def probe(self) -> None:
        """Do nothing: if the folder is unavailable, the code that needs it will say so."""

    def entries(self) -> Iterator[PlacedFile]:
        """Yield the files in the folder; none if it does not exist."""
        for path in self.path.iterdir() if self.path.is_dir() else ():
            if path.is_file():
                yield PlacedFile(path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC))

    def read_small(self, name: str) -> bytes | None:
        """Return a whole small file, or `None` if it does not exist."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def write_small(self, name: str, content: bytes) -> None:
        """Write a small file for this user alone, whole or not at all."""
        replace_private(self.path / name, content)

    @contextmanager
    def reading(self, name: str) -> Iterator[Source]:
        """Open a file to read it a piece at a time."""
        with (self.path / name).open("rb") as file:
            yield file

    @contextmanager
    def writing(self, name: str) -> Iterator[Sink]:
        """Open a new file for this user alone; it is on the disk when the block ends."""
        with os.fdopen(open_private(self.path / name), "wb", buffering=0) as file:
            yield file
            os.fsync(file.fileno())

    def has(self, name: str) -> bool:
        """Return whether a file exists."""
        return (self.path / name).is_file()

    def mark(self, name: str) -> str | None:
        """Return the SHA-256 of a file, read a piece at a time."""
        try:
            with (self.path / name).open("rb") as file:
                return file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return None

    def rename(self, name: str, to: str, sha256: str) -> None:
        """Rename a file in one step; its name is on the disk as well when this returns."""
        (self.path / name).replace(self.path / to)
        sync_folder(self.path)

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        (self.path / name).unlink(missing_ok=True)

    def journal(self, fingerprint: str) -> JournalFile:
        """Return the journal beside the backups."""
        return JournalFile(self.path / journal_name(fingerprint))

    def journals(self) -> list[WithdrawalJournal]:
        """Return the journals beside the backups."""
        return [JournalFile(path) for path in sorted(self.path.glob(f"{JOURNALS}*.jsonl"))]
