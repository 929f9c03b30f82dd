"""Sweeping: how much work there is, asked every few seconds."""

from nurture.services.delivering import Dispatch
from nurture.services.recovering import recover_silent
from nurture.store.enrolments import count_due
from nurture.store.instance import how_far, is_armed

#: More batches than this at once would only queue up behind each other.
_MOST_BATCHES = 8


def batches_due(dispatch: Dispatch) -> int:
    """Take over from workers that went silent; return for how many batches work is due.

    The cost follows what is due: counting stops where more would change nothing.
    """
    now = dispatch.clock()
    recover_silent(dispatch.database, dispatch.logbooks, now)
    with dispatch.database.reading() as connection:
        due = count_due(connection, now, most=_MOST_BATCHES * dispatch.batch)
        come, armed = (
            how_far(connection),
            is_armed(connection, dispatch.fingerprint, dispatch.witness.seen()),
        )
    if armed:
        dispatch.witness.note(come)
    return -(-due // dispatch.batch)
