"""How an ending is stored: a status and a reason, whether or not this release knows them."""

from nurture.domain.known_words import known, known_or_none
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus


def ending_as_text(ending: Ending | None) -> str | None:
    """Return an ending in its stored form."""
    return f"{ending.status}:{ending.because or ''}" if ending else None


def ending_from_text(stored: str | None) -> Ending | None:
    """Return an ending from its stored form."""
    if stored is None:
        return None
    status, _, because = stored.partition(":")
    ends_as = known(EnrolmentStatus, status, EnrolmentStatus.REMOVED)
    return Ending(ends_as, known_or_none(EndReason, because))
