"""The account's limit, which is asked beside the gate: may the account send one more email now?"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.gate import Allowed, Postponed

#: An allowance that should have been renewed by now is asked for again after this long.
_SOON = timedelta(minutes=1)

_ALLOWED = Allowed()


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many more emails an account may send before `renewed_at`; without `left`, any number."""

    left: int | None = None
    renewed_at: datetime | None = None

    def after_one(self) -> "Allowance":
        """Return what is left once one more email is to be sent."""
        return self if self.left is None else replace(self, left=self.left - 1)


#: No account has a limit yet.
UNLIMITED = Allowance()


def may_send_more(allowance: Allowance, now: datetime) -> Allowed | Postponed:
    """Return whether the account may offer one more email now and, if not, until when it waits.

    It is the same for every kind of email, because every email counts towards the limit. The
    moment is always later than now, so that whatever waits for it does not come round at once.
    """
    if allowance.left is None or allowance.left > 0:
        return _ALLOWED
    soon = now + _SOON
    until = max(allowance.renewed_at, soon) if allowance.renewed_at else soon
    return Postponed(until, Reason(Code.ACCOUNT_AT_LIMIT))
