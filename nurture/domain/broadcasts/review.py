"""The review of a broadcast: who is reached, and why others are not."""

from datetime import datetime

from nurture.domain.broadcasts.broadcast import Broadcast
from nurture.domain.rights.table import Permitted, may_write
from nurture.domain.scheduling.gate import Standing, mailing_of
from nurture.domain.subscribers.consent import Scope


def verdict_of(broadcast: Broadcast, standing: Standing, now: datetime) -> Permitted:
    """Return whether a person may be sent a broadcast now, on which basis, and why not."""
    scope = Scope(broadcast.stream)
    return may_write(
        mailing_of(broadcast.kind, scope),
        scope,
        standing.consents,
        standing.states_at(now),
        is_client_basis=standing.may_as_client,
    )
