"""How an ending is stored: a status and a reason, known to this release or not."""

from nurture.domain.known_words import known, known_or_none
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus


def ending_as_text(ending: Ending | None) -> str | None:
    """An ending as it is stored."""
    return f"{ending.status}:{ending.because or ''}" if ending else None


def ending_from_text(stored: str | None) -> Ending | None:
    """An ending as it was stored."""
    if stored is None:
        return None
    status, _, because = stored.partition(":")
    ends_as = known(EnrolmentStatus, status, EnrolmentStatus.REMOVED)
    return Ending(ends_as, known_or_none(EndReason, because))
