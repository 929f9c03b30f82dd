"""Sweeping: checking every few seconds how much work there is."""

from nurture.services.delivery.batch import Dispatch
from nurture.services.delivery.recovery import recover_silent
from nurture.services.delivery.refusals import settle_refusals
from nurture.store.tables.account import find_hold
from nurture.store.tables.enrolments import count_due
from nurture.store.tables.instance import how_far, is_armed

#: More simultaneous batches than this would only queue behind each other.
_MOST_BATCHES = 8


def batches_due(dispatch: Dispatch) -> int:
    """Take over from silent workers; return the number of batches that are due.

    The cost depends on how much is due: counting stops once a higher count would change nothing.
    While the account is held there is one batch, a probe, each time the wait is over.
    """
    now = dispatch.clock()
    recover_silent(dispatch.database, dispatch.logbooks, now)
    settle_refusals(dispatch.database, dispatch.catalogue, now)
    with dispatch.database.reading() as connection:
        held = find_hold(connection)
        due = count_due(connection, now, most=_MOST_BATCHES * dispatch.batch)
        come, armed = (
            how_far(connection),
            is_armed(connection, dispatch.fingerprint, dispatch.witness.seen()),
        )
    if armed:
        dispatch.witness.note(come)
    if held is not None:
        return min(due, 1) if held.is_over(now) else 0
    return -(-due // dispatch.batch)
