"""Sweeping: checking every few seconds how much work there is."""

from datetime import datetime

from nurture.domain.scheduling.allowance import Allowance
from nurture.services.account import limits as account_limits
from nurture.services.broadcasts.freezing import attend
from nurture.services.delivery.dispatch import Dispatch
from nurture.services.delivery.recovery import recover_silent
from nurture.services.delivery.refusals import settle_refusals
from nurture.services.door.waiting_line import let_in
from nurture.store.database import Connection
from nurture.store.queries.due import count_asked, count_due, count_due_of_broadcasts
from nurture.store.tables.account import find_hold
from nurture.store.tables.instance import how_far, is_armed

#: More simultaneous batches than this would only queue behind each other.
_MOST_BATCHES = 8


def batches_due(dispatch: Dispatch) -> int:
    """Take over from silent workers, go on with broadcasts, let in who waits; count the batches.

    The cost depends on how much is due: counting stops once a higher count would change nothing.
    While the account is held there is one batch, a probe, each time the wait is over. What the
    account may not send now is not due.
    """
    now = dispatch.clock()
    recover_silent(dispatch.database, dispatch.logbooks, now)
    settle_refusals(dispatch.database, dispatch.catalogue, now)
    attend(dispatch.database, dispatch.catalogue, now)
    let_in(dispatch.database, dispatch.catalogue, dispatch.waiting_an_hour, now)
    with dispatch.database.reading() as connection:
        held = find_hold(connection)
        stock = account_limits.take_stock(connection, dispatch.fixed, now)
        due = _count_due(connection, stock.allowance, now, _MOST_BATCHES * dispatch.batch)
        may_go = _may_go(connection, due, stock.allowance, now)
        come, armed = (
            how_far(connection),
            is_armed(connection, dispatch.fingerprint, dispatch.witness.seen()),
        )
    if armed:
        dispatch.witness.note(come)
    if held is not None:
        return min(may_go, 1) if held.is_over(now) else 0
    account_limits.note_sweep(dispatch.database, stock, due, may_go, now)
    return -(-may_go // dispatch.batch)


def _count_due(connection: Connection, allowance: Allowance, now: datetime, most: int) -> int:
    """Count what is due; while a domain is warmed up, only so much of broadcasts as may leave."""
    room = allowance.left_for_broadcasts
    if room is None:
        return count_due(connection, now, most)
    series = count_due(connection, now, most, broadcasts=False)
    return series + count_due_of_broadcasts(connection, now, room) if room else series


def _may_go(connection: Connection, due: int, allowance: Allowance, now: datetime) -> int:
    """Return how many of the due enrolments the account may send something to."""
    if allowance.left is None or allowance.left_for_answers is None:
        return due
    if allowance.left > 0:
        return min(due, allowance.left_for_answers)
    return count_asked(connection, now, most=allowance.left_for_answers)
