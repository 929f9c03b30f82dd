"""The account's limit, checked beside the gate: may the account send one more email now?"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.gate import Allowed, Postponed

#: An allowance that should have been renewed by now is checked again after this long.
_SOON = timedelta(minutes=1)

_ALLOWED = Allowed()


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many more emails an account may send before `renewed_at`; no limit if `left` is None."""

    left: int | None = None
    renewed_at: datetime | None = None

    def after_one(self) -> "Allowance":
        """Return the allowance after one more email."""
        return self if self.left is None else replace(self, left=self.left - 1)


#: No account has a limit yet.
UNLIMITED = Allowance()


def may_send_more(allowance: Allowance, now: datetime) -> Allowed | Postponed:
    """Return whether the account may offer one more email now and, if not, until when it waits.

    It is the same for every kind of email, because every email counts towards the limit. The moment
    is always later than now, so that nothing that waits for it is looked at again immediately.
    """
    if allowance.left is None or allowance.left > 0:
        return _ALLOWED
    soon = now + _SOON
    until = max(allowance.renewed_at, soon) if allowance.renewed_at else soon
    return Postponed(until, Reason(Code.ACCOUNT_AT_LIMIT))
