"""A witness outside the database: how far it had come when it last sent.

A backup that is put back in the place of its original looks like the original. What
this file remembers, the backup does not, and so it is noticed.
"""

import os
from contextlib import suppress
from pathlib import Path

from nurture.files.private import write_private


class Witness:
    """Remembers how far the database had come, in one small file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seen(self) -> int:
        """The highest number noted; zero where nothing was."""
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return 0

    def note(self, number: int) -> None:
        """Remember that the database had come so far; call it after the commit.

        Where it cannot be written, sending goes on: a full disk must not stop the mail.
        """
        if number > self.seen():
            self.set(number)

    def set(self, number: int) -> None:
        """Believe the database that it has come just so far."""
        draft = self._path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(draft, str(number).encode())
            draft.replace(self._path)
