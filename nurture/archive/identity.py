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
from nurture.archive.place import Place, StoredFile
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

    def lay_beside(self, place: Place, replaces: bytes = b"") -> None:
        """Put the locked key beside the backups of a place; raises `StrangeIdentityError`.

        What lies there already is left alone, unless it is the one that this one `replaces`.
        """
        there, ours = place.read_small(BESIDE), self.locked.read_bytes()
        if there not in (None, ours, replaces):
            raise StrangeIdentityError(
                f"{place.location(BESIDE)} opens the backups of another machine.",
                remedy=f"Choose another place or, if this is the same house, copy that machine’s "
                f"{self.plain.name} and {self.locked.name} to {self.directory}.",
            )
        if there != ours:
            place.write_small(BESIDE, ours)


def unlock(locked: StoredFile, words: str) -> x25519.Identity:
    """The key in a locked file; raises `WrongWordsError`."""
    try:
        return _parse(passphrase.decrypt(read_locked(locked), as_typed(words)).decode("ascii"))
    except pyrage.DecryptError:
        raise WrongWordsError(
            f"These words do not open {locked}.",
            remedy="Type all eight, in the order in which they were shown.",
        ) from None


def read_locked(locked: StoredFile) -> bytes:
    """What is in a locked file."""
    try:
        content, why = locked.place.read_small(locked.name), "it is not there"
    except OSError as error:
        content, why = None, error.strerror or str(error)
    if content is None:
        raise NurtureError(
            f"{locked} cannot be read: {why}.",
            remedy=f"Put {BESIDE}, which lay beside the backup, beside it again.",
        )
    return content


def _parse(text: str) -> x25519.Identity:
    [key] = [line for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-")]
    return x25519.Identity.from_str(key)
