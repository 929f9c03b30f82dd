"""The requirements for an owner's password."""

from unicodedata import normalize

from nurture.domain.errors import NurtureError

SHORTEST, LONGEST = 12, 500
_FEWEST_DIFFERENT = 5

#: Long enough, and still the first passwords that anyone would try.
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
