"""A folder as the place where backups lie: best a mounted one, on another machine's disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path

from nurture.archive.journal import JOURNALS, Journal, JournalFile, journal_name
from nurture.archive.place import Entry, Sink, Source
from nurture.files.private import open_private, replace_private, sync_folder


@dataclass(frozen=True, slots=True)
class Folder:
    """A place on a disk."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def location(self, name: str) -> str:
        """The path of a file."""
        return str(self.path.absolute() / name)

    def prepare(self) -> None:
        """Make the folder."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def probe(self) -> None:
        """A folder that is away is told by whoever needs it."""

    def entries(self) -> Iterator[Entry]:
        """The files in it; none where there is no folder."""
        for path in self.path.iterdir() if self.path.is_dir() else ():
            if path.is_file():
                yield Entry(path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC))

    def read_small(self, name: str) -> bytes | None:
        """A whole small file."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def write_small(self, name: str, content: bytes) -> None:
        """Write a small file for this user alone, whole or not at all."""
        replace_private(self.path / name, content)

    @contextmanager
    def reading(self, name: str) -> Iterator[Source]:
        """A file, a piece at a time."""
        with (self.path / name).open("rb") as file:
            yield file

    @contextmanager
    def writing(self, name: str) -> Iterator[Sink]:
        """A new file for this user alone, on the disk when the block ends."""
        with os.fdopen(open_private(self.path / name), "wb", buffering=0) as file:
            yield file
            os.fsync(file.fileno())

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        return (self.path / name).is_file()

    def mark(self, name: str) -> str | None:
        """The SHA-256 of a file, read a piece at a time."""
        try:
            with (self.path / name).open("rb") as file:
                return file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return None

    def rename(self, name: str, to: str, sha256: str) -> None:
        """Rename a file at once; the name is on the disk as well when this returns."""
        (self.path / name).replace(self.path / to)
        sync_folder(self.path)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        (self.path / name).unlink(missing_ok=True)

    def journal(self, fingerprint: str) -> JournalFile:
        """The journal beside the backups."""
        return JournalFile(self.path / journal_name(fingerprint))

    def journals(self) -> list[Journal]:
        """The journals beside the backups."""
        return [JournalFile(path) for path in sorted(self.path.glob(f"{JOURNALS}*.jsonl"))]
