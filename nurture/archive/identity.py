"""The key of the backups: made once, for this purpose only, and derived from nothing.

The key itself stays on the machine, for its user alone, because each backup is read back. Beside
the backups is the same key, encrypted with the words: it opens them on another machine.
"""

import re
import secrets
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import pyrage
from pyrage import passphrase, x25519

from nurture.archive.locking import lock
from nurture.archive.place import Place, StoredFile
from nurture.domain.errors import NurtureError
from nurture.files.private import replace_private

#: The key's name beside the backups.
BESIDE = "identity.age"


class WrongWordsError(NurtureError):
    """Words that do not open the key."""


class StrangeIdentityError(NurtureError):
    """A key beside the backups that belongs to another machine."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """The files with this machine's key: in clear text, and locked with the words."""

    directory: Path

    @property
    def plain(self) -> Path:
        """The key in clear text."""
        return self.directory / "backup-identity.txt"

    @property
    def locked(self) -> Path:
        """The key locked with the words."""
        return self.directory / "backup-identity.age"

    def exist(self) -> bool:
        """Return whether there is a key, and its words have been shown."""
        return self.plain.exists() and self.locked.exists()

    def read(self) -> x25519.Identity:
        """Return the key of this machine."""
        return _parse(self.plain.read_text(encoding="ascii"))

    @property
    def known(self) -> Path:
        """The digests of every key locked here; a copy beside the backups may be older."""
        return self.directory / "backup-identities.known"

    def make(self) -> str:
        """Make the key unless it exists; return new words that open it from now on."""
        words, locked = self.draw()
        self.take(locked)
        return words

    def draw(self) -> tuple[str, bytes]:
        """Return new words and the key locked with them; until it is stored, the old ones apply."""
        if not self.plain.exists():
            self._make_key()
        words = make_words()
        locked = lock(self.plain.read_bytes(), words)
        before = [self.locked.read_bytes()] if self.locked.exists() else []
        digests = self._digests() | {sha256(one).hexdigest() for one in (*before, locked)}
        replace_private(self.known, "".join(f"{one}\n" for one in sorted(digests)).encode())
        return words, locked

    def _make_key(self) -> None:
        """Make a new key, and delete what opened the old one, so that it is never replaced."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.known.unlink(missing_ok=True)
        self.locked.unlink(missing_ok=True)
        identity = x25519.Identity.generate()
        said = f"# public key: {identity.to_public()}\n{identity}\n"
        replace_private(self.plain, said.encode("ascii"))

    def take(self, locked: bytes) -> None:
        """Make the words drawn with this valid, once someone has seen them."""
        replace_private(self.locked, locked)

    def _digests(self) -> set[str]:
        return set(self.known.read_text().split()) if self.known.exists() else set()

    def lay_beside(self, place: Place, locked: bytes = b"") -> None:
        """Put the locked key beside the backups of a place, or raise `StrangeIdentityError`.

        An existing copy is replaced if it opens the same key with other words; otherwise it is left
        unchanged.
        """
        there, ours = place.read_small(BESIDE), locked or self.locked.read_bytes()
        if there not in (None, ours) and sha256(there).hexdigest() not in self._digests():
            raise StrangeIdentityError(
                f"{place.location(BESIDE)} opens the backups of another machine.",
                remedy="Choose another place or, if this is the same installation, copy that "
                f"machine’s {self.plain.name} and {self.locked.name} to {self.directory}.",
            )
        if there != ours:
            place.write_small(BESIDE, ours)


def unlock(locked: StoredFile, words: str) -> x25519.Identity:
    """Return the key in a locked file, or raise `WrongWordsError`."""
    try:
        return _parse(passphrase.decrypt(read_locked(locked), as_typed(words)).decode("ascii"))
    except pyrage.DecryptError:
        raise WrongWordsError(
            f"These words do not open {locked}.",
            remedy="Type all eight, in the order in which they were shown.",
        ) from None


def read_locked(locked: StoredFile) -> bytes:
    """Return the content of a locked file."""
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


WORDS = 8


def make_words() -> str:
    """Return new words, drawn evenly and independently, joined as they must be typed."""
    return "-".join(secrets.choice(_list()) for _ in range(WORDS))


def as_typed(words: str) -> str:
    """Return the words in one form; capitals, blanks and line breaks make no difference."""
    return "-".join(re.findall(r"[a-z]+", words.lower()))


@cache
def _list() -> list[str]:
    return Path(__file__).with_name("words.txt").read_text(encoding="ascii").split()
