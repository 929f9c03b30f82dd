"""A witness outside the database: how far the database had come when it last sent.

A backup that is put back in place of its original looks like the original. This file remembers what
the backup does not, and so the difference is noticed.
"""

import os
from contextlib import suppress
from pathlib import Path

from nurture.files.private import write_private


class Witness:
    """A small file that remembers how far the database had come."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seen(self) -> int:
        """Return the highest number recorded, or zero if there is none."""
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return 0

    def note(self, number: int) -> None:
        """Record that the database had come this far; call it after the commit.

        If it cannot be written, sending continues: a full disk must not stop the emails.
        """
        if number > self.seen():
            self.set(number)

    def set(self, number: int) -> None:
        """Set the number to what the database now says, whether higher or lower."""
        draft = self._path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(draft, str(number).encode())
            draft.replace(self._path)
