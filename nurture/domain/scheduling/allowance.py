"""What the account may still send, checked beside the gate: may it send one more email now?"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.gate import Allowed, Postponed
from nurture.domain.sequences.sequence import ANSWERS, StepKind

#: An allowance that should have been renewed by now is checked again after this long.
_SOON = timedelta(minutes=1)

_ALLOWED = Allowed()
_AT_LIMIT = Reason(Code.ACCOUNT_AT_LIMIT)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many more emails an account may send now; `None` means any number.

    The last of them are reserved: of the `left_for_answers`, which someone asked for, only `left`
    may be emails of another kind. `renewed_at` is when there will be more, if that is known, and
    `why` there are none until then. `waiting_since` is since when due emails have been waiting for
    the account. `left_for_broadcasts` is how many emails of broadcasts may be among them while a
    domain is warmed up.
    """

    left: int | None = None
    left_for_answers: int | None = None
    renewed_at: datetime | None = None
    waiting_since: datetime | None = None
    why: Reason = _AT_LIMIT
    left_for_broadcasts: int | None = None

    def left_for(self, kind: StepKind) -> int | None:
        """Return how many more emails of that kind it may send."""
        return self.left_for_answers if kind in ANSWERS else self.left

    def after_one(self) -> "Allowance":
        """Return the allowance after one more email, of whatever kind."""
        if self.left is None or self.left_for_answers is None:
            return self
        return replace(
            self, left=max(self.left - 1, 0), left_for_answers=max(self.left_for_answers - 1, 0)
        )


UNLIMITED = Allowance()


def may_send_more(kind: StepKind, allowance: Allowance, now: datetime) -> Allowed | Postponed:
    """Return whether the account may offer one more email now and, if not, until when it waits.

    The moment is always later than now, so that nothing that waits for it is looked at again
    immediately.
    """
    left = allowance.left_for(kind)
    if left is None or left > 0:
        return _ALLOWED
    soon = now + _SOON
    until = max(allowance.renewed_at, soon) if allowance.renewed_at else soon
    return Postponed(until, allowance.why)
