"""Sweeping: how much work there is, asked every few seconds."""

from nurture.services.delivery.batch import Dispatch
from nurture.services.delivery.recovery import recover_silent
from nurture.services.delivery.refusals import settle_refusals
from nurture.store.tables.account import find_hold
from nurture.store.tables.enrolments import count_due
from nurture.store.tables.instance import how_far, is_armed

#: More batches than this at once would only queue up behind each other.
_MOST_BATCHES = 8


def batches_due(dispatch: Dispatch) -> int:
    """Take over from workers that went silent; return for how many batches work is due.

    The cost follows what is due: counting stops where more would change nothing. While the
    account is held there is one batch, a probe, each time that the wait is over.
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
