"""How long an access token is used, and from when a new one is asked for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

#: A token is handed out only if it is valid for at least this long: a login takes seconds.
AT_LEAST = timedelta(minutes=1)

#: A new token is asked for this long before the old one expires, so that nobody waits for it.
_AHEAD = timedelta(minutes=5)

#: What the lifetime is taken to be if the provider names none (RFC 6749 §5.1), and at most.
_USUAL, _LONGEST = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TokenLife:
    """From when an access token is to be renewed, and until when it is valid."""

    renew_at: datetime
    expires_at: datetime

    def is_fresh(self, now: datetime) -> bool:
        """Return whether there is no need for a new token yet."""
        return now < self.renew_at

    def is_usable(self, now: datetime) -> bool:
        """Return whether the token is still valid for long enough to log in with it."""
        return now + AT_LEAST <= self.expires_at


def life_of(lifetime: timedelta | None, now: datetime) -> TokenLife:
    """Return the life of a token that was issued now.

    One that lives for less than ten minutes is renewed when half of its life is over.
    """
    length = min(lifetime if lifetime is not None else _USUAL, _LONGEST)
    return TokenLife(now + length - min(_AHEAD, length / 2), now + length)
