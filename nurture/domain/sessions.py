"""How long an owner stays signed in, and how long the steps of signing in may take."""

from dataclasses import dataclass
from datetime import datetime, timedelta

#: How long a link that sets a password is valid; it works only once.
LINK_LASTS = timedelta(hours=24)

#: A session ends after this long without use, and after this long in any case.
IDLE_AT_MOST = timedelta(hours=24)
SESSION_LASTS = timedelta(days=14)

#: How long the page waits for the code of a second factor.
CODE_WAITS = timedelta(minutes=10)

#: A session's last use is recorded no more often than this, so that reading pages writes nothing.
NOTED_EVERY = timedelta(minutes=5)

#: Failed sign-ins within this period are counted, and this many are tolerated.
COUNTED_FOR = timedelta(minutes=15)
FAILURES_PER_ACCOUNT, FAILURES_PER_CLIENT = 10, 30


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """When a session began and when it was last used."""

    began_at: datetime
    used_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Return whether the session has expired."""
        return now >= self.used_at + IDLE_AT_MOST or now >= self.began_at + SESSION_LASTS
