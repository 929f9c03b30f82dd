"""Sealing values that must be read again, but not by anyone who only has the database.

A value is encrypted and authenticated by Fernet (AES-128-CBC with HMAC-SHA256) under a key of its
own, derived from NURTURE_SECRET_KEY. The newest key seals it, and any of the keys opens it, even
one that has leaked since.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from nurture.domain.errors import NurtureError

#: The prefix of every sealed value: the version of the format, in Base64. No secret for an app
#: begins with it, because those are in capitals.
_BEGINS = "gAAAA"


class SealBrokenError(NurtureError):
    """A value that was sealed with a key that no longer exists, or was changed."""


class Seal:
    """Sealing with the newest of the secrets, and opening with any; they come newest first.

    Values that an older version of the program stored in clear text are opened unchanged.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        keys = [Fernet(_key_of(secret)) for secret in secrets]
        self._newest, self._all = keys[0], MultiFernet(keys)

    def seal(self, value: str) -> str:
        """Return what to store in place of a value; it is different each time."""
        return self._newest.encrypt(value.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """Return the value, or raise `SealBrokenError`."""
        if not sealed.startswith(_BEGINS):
            return sealed
        try:
            return self._all.decrypt(sealed).decode()
        except InvalidToken:
            raise SealBrokenError(
                "This was sealed with another NURTURE_SECRET_KEY.", remedy="Put that key back."
            ) from None

    def is_newest(self, sealed: str) -> bool:
        """Return whether the newest secret sealed it."""
        try:
            self._newest.decrypt(sealed)
        except InvalidToken:
            return False
        return True


def _key_of(secret: str) -> bytes:
    derived = blake2b(key=blake2b(secret.encode()).digest(), person=b"second-factor")
    return urlsafe_b64encode(derived.digest()[:32])
