"""The key of the backups: its own, made once, and derived from nothing.

The key itself stays on the machine, for its user alone, because each backup is read back. Beside
the backups lies the same key, encrypted with the words: what opens them on another machine.
"""

from dataclasses import dataclass
from pathlib import Path

import pyrage
from pyrage import passphrase, x25519

from nurture.archive.locking import lock
from nurture.archive.phrase import as_typed, make_words
from nurture.domain.errors import NurtureError
from nurture.private_files import write_private

#: What the key is called beside the backups.
BESIDE = "identity.age"


class WrongWordsError(NurtureError):
    """These words do not open the key."""


class StrangeIdentityError(NurtureError):
    """The key beside the backups is another machine's."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where this machine has the key: as it is, and as the words open it."""

    directory: Path

    @property
    def plain(self) -> Path:
        """The key as it is."""
        return self.directory / "backup-identity.txt"

    @property
    def locked(self) -> Path:
        """The key as the words open it."""
        return self.directory / "backup-identity.age"

    def exist(self) -> bool:
        """Whether there is a key and the words to it have been shown."""
        return self.plain.exists() and self.locked.exists()

    def read(self) -> x25519.Identity:
        """The key of this machine."""
        return _parse(self.plain.read_text(encoding="ascii"))

    def make(self) -> str:
        """Make the key unless it is there; return new words that open it, to be shown once."""
        if not self.plain.exists():
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            identity = x25519.Identity.generate()
            said = f"# public key: {identity.to_public()}\n{identity}\n"
            write_private(self.plain, said.encode("ascii"))
        words = make_words()
        write_private(self.locked, lock(self.plain.read_bytes(), words))
        return words

    def lay_beside(self, folder: Path, replaces: bytes = b"") -> None:
        """Put the locked key into a folder of backups; raises `StrangeIdentityError`.

        What lies there already is left alone, unless it is the one that this one `replaces`.
        """
        beside, ours = folder / BESIDE, self.locked.read_bytes()
        there = beside.read_bytes() if beside.exists() else ours
        if there not in (ours, replaces):
            raise StrangeIdentityError(
                f"{beside} opens the backups of another machine.",
                remedy=f"Choose another folder or, if this is the same house, copy that machine’s "
                f"{self.plain.name} and {self.locked.name} to {self.directory}.",
            )
        if not beside.exists() or there != ours:
            write_private(beside, ours)


def unlock(locked: Path, words: str) -> x25519.Identity:
    """The key in a locked file; raises `WrongWordsError`."""
    try:
        return _parse(passphrase.decrypt(locked.read_bytes(), as_typed(words)).decode("ascii"))
    except pyrage.DecryptError:
        raise WrongWordsError(
            f"These words do not open {locked}.",
            remedy="Type all eight, in the order in which they were shown.",
        ) from None
    except OSError as error:
        raise NurtureError(
            f"{locked} cannot be read: {error.strerror}.",
            remedy=f"Put {BESIDE}, which lay beside the backup, beside it again.",
        ) from None


def _parse(text: str) -> x25519.Identity:
    [key] = [line for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-")]
    return x25519.Identity.from_str(key)
