"""The requirements for an owner's password, and how long a sign-in lasts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from unicodedata import normalize

from nurture.domain.errors import NurtureError

#: How long a link that sets a password may be used; it is used once.
LINK_LASTS = timedelta(hours=24)

#: A session ends when nobody has used it for so long, and at the latest after so long.
IDLE_AT_MOST = timedelta(hours=24)
SESSION_LASTS = timedelta(days=14)

#: How long the page waits for the code of a second factor.
CODE_WAITS = timedelta(minutes=10)

#: A session's last use is noted no more often than this, so that reading pages writes nothing.
NOTED_EVERY = timedelta(minutes=5)

SHORTEST, LONGEST = 12, 500
_FEWEST_DIFFERENT = 5

#: Long enough, and still the first that anybody would try.
_SILLY = frozenset(
    {
        "0123456789012",
        "123456789012",
        "1234567890123",
        "12345678901234",
        "1q2w3e4r5t6y",
        "abcdefgh1234",
        "abcdefghijkl",
        "administrator",
        "changeme1234",
        "changemechangeme",
        "discoverysession",
        "human-movement",
        "humanmovement",
        "iloveyou1234",
        "letmein12345",
        "letmeinletmein",
        "password1234",
        "password12345",
        "passwordpassword",
        "qwerty123456",
        "qwertyuiop12",
        "qwertyuiop123",
        "qwertyuiopas",
        "welcome12345",
        "welcomewelcome",
    }
)


class PasswordRefusedError(NurtureError):
    """A password that is refused because it could be guessed."""


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """When a session began and when it was last used."""

    began_at: datetime
    used_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Return whether the session has expired."""
        return now >= self.used_at + IDLE_AT_MOST or now >= self.began_at + SESSION_LASTS


def as_typed(password: str) -> str:
    """Return a password in one form, however a keyboard composed it (NIST SP 800-63B)."""
    return normalize("NFKC", password)


def insist_on_good(password: str, address: str) -> None:
    """Raise `PasswordRefusedError` if a password is too short, too long or easily guessed."""
    said = as_typed(password).casefold()
    name = address.casefold().partition("@")[0]
    if len(said) < SHORTEST:
        raise PasswordRefusedError(
            f"A password needs at least {SHORTEST} characters.",
            remedy="Three or four words that do not belong together are easy to remember.",
        )
    if len(said) > LONGEST:
        raise PasswordRefusedError(f"A password has at most {LONGEST} characters.")
    plain = said.replace(" ", "")
    first_tried = plain in _SILLY or len(set(plain)) < _FEWEST_DIFFERENT
    if first_tried or plain in (address.casefold(), name, name * 2):
        raise PasswordRefusedError(
            "This password is among the first that anyone would try.",
            remedy="Take three or four words that do not belong together.",
        )
