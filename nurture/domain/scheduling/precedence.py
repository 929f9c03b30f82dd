"""Precedence: whose turn it is when the cap has room for an email of a series or a broadcast.

An email of a series moves if a broadcast was sent shortly before it. One that has moved twice goes
before the next broadcast, so that no series starves.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.gate import Caps, Postponed, Standing, capped
from nurture.domain.sequences.enrolment import Progress

#: An email of a series that the cap has put off this often goes before the next broadcast.
MOVED_OFTEN = 2

#: How long after the email that goes first its broadcast is looked at again.
_AFTER_THE_SERIES = timedelta(minutes=5)

_BY_THE_CAP = (Code.EMAILED_RECENTLY, Code.WANT_FEWER)


def moved_by(why: Reason, until: datetime, progress: Progress, known: datetime | None) -> Progress:
    """Return the progress of a step of a series that is put off until then, for that reason.

    A move is counted if it is the cap that puts it off, and to another moment than the one already
    `known`: looking twice at a step that waits moves it no further.
    """
    if why.code not in _BY_THE_CAP or until == known:
        return progress
    return replace(progress, moved=progress.moved + 1)


def gives_way(standing: Standing, now: datetime, caps: Caps) -> Postponed | None:
    """Return until when a broadcast that may leave now waits for the person's series, if it does.

    It does if it would put off once more the email that goes first. The moment is after that
    email's, and always later than now.
    """
    if standing.series_first_at is None:
        return None
    first_at = max(standing.series_first_at, now)
    once_sent = replace(standing, mailed_at=(*standing.mailed_at, now))
    if not capped(once_sent, first_at, caps):
        return None
    return Postponed(first_at + _AFTER_THE_SERIES, Reason(Code.SERIES_GOES_FIRST))
