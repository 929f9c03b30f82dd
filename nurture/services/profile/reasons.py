"""Reasons why nothing comes or an enrolment ended, each as a phrase to follow “because”."""

from collections.abc import Iterable, Mapping
from typing import Any

from nurture.domain.scheduling.gate import WHY_SUPPRESSED
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.subscribers.consent import STUDIO
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind

_ENDED: Mapping[EndReason, str] = {
    EndReason.COMPLETED: "they have finished {}",
    EndReason.BOOKED: "they booked, so {} ended",
    EndReason.BOOKED_BEFORE: "they had booked before they asked for {}, so they get only its guide",
    EndReason.STAYED: "they said that they still want the emails",
    EndReason.GAVE_A_SIGN: "they showed that they still read the emails",
    EndReason.NOT_COLLECTED: "the guide of {} was never collected",
    EndReason.TAKEN_OUT: "you took them out of {}",
    EndReason.UNSUBSCRIBED: "they unsubscribed",
    EndReason.UNSUBSCRIBED_BY_OWNER: "you unsubscribed them, as they asked",
    EndReason.UNSUBSCRIBED_ELSEWHERE: "they unsubscribed through their mail program",
    EndReason.SILENT: "they did not answer when asked whether they still want the emails",
    EndReason.NO_CONSENT: "they have not agreed to the emails of {}",
    EndReason.BOUNCED: WHY_SUPPRESSED[SuppressionReason.BOUNCED],
    EndReason.COMPLAINED: WHY_SUPPRESSED[SuppressionReason.COMPLAINED],
    EndReason.ERASED: WHY_SUPPRESSED[SuppressionReason.ERASED],
}

#: What can be said of what ended before reasons were kept.
_ENDED_SOMEHOW: Mapping[EnrolmentStatus, str] = {
    EnrolmentStatus.COMPLETED: _ENDED[EndReason.COMPLETED],
    EnrolmentStatus.GOAL_REACHED: "{} reached its goal",
    EnrolmentStatus.UNSUBSCRIBED: "{} ended when they left",
    EnrolmentStatus.SUPPRESSED: "{} ended because their address could not be written to",
    EnrolmentStatus.REMOVED: "they were taken out of {} or never collected its guide",
}


def why_ended(ending: Ending, sequence: str) -> str:
    """Say why an enrolment is no longer active, or will not be."""
    if ending.because:
        return _ENDED[ending.because].format(f"“{sequence}”")
    if ending.status in _ENDED_SOMEHOW:
        return _ENDED_SOMEHOW[ending.status].format(f"“{sequence}”")
    return f"“{sequence}” has nothing more for them"


def why_suppressed(reason: SuppressionReason, happened: Iterable[Mapping[str, Any]]) -> str:
    """Say why someone is never emailed; their events show who unsubscribed them."""
    if reason is not SuppressionReason.UNSUBSCRIBED:
        return WHY_SUPPRESSED[reason]
    said = [e["source"] for e in happened if e["kind"] == EventKind.UNSUBSCRIBED]
    if not said or said[-1] == "pages":
        return _ENDED[EndReason.UNSUBSCRIBED]
    by_owner = said[-1] == STUDIO
    return _ENDED[EndReason.UNSUBSCRIBED_BY_OWNER if by_owner else EndReason.UNSUBSCRIBED_ELSEWHERE]
