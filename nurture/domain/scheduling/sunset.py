"""When to ask people who have been silent whether they still want the emails.

Silence is judged only for people who agreed to tracking, because only their signs can be seen. The
others are asked by a line in the foot of a broadcast, whose silence means nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.audience.engagement import SIGNS_OF_LIFE
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import Quiet
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict

#: Anyone in the middle of a series is looked at again after this long.
_LOOK_AGAIN_IN = timedelta(days=7)

#: How long no sign of someone without tracking is known before a broadcast asks them in its foot,
#: and how long before another does: 24 months, however many of them have 31 days.
ASKED_IN_THE_FOOT_AFTER = timedelta(days=731)

#: The events that end a silence if a person did it. A pause by the owner is one because people ask
#: for it. A session that was not attended is none: the booking was, and nobody did anything since.
ENDS_A_SILENCE = SIGNS_OF_LIFE | {
    *(EventKind.RESCHEDULED, EventKind.CANCELLED),
    *(EventKind.USED_PAGE, EventKind.PAUSED, EventKind.RESUMED),
}

#: Those of them that end it too if it is not certain, or not judged yet, who did it.
ENDS_IT_IN_DOUBT = frozenset({EventKind.OPENED, EventKind.CLICKED})

#: How a question ends for someone who gave a sign of life, who did not, and who cannot be judged.
ANSWERED = Ending(EnrolmentStatus.GOAL_REACHED, EndReason.GAVE_A_SIGN)
UNANSWERED = Ending(EnrolmentStatus.COMPLETED, EndReason.SILENT)
NOT_JUDGED = Ending(EnrolmentStatus.COMPLETED, EndReason.NOT_FOLLOWED)


@dataclass(frozen=True, slots=True)
class Silence:
    """What is known about a person who may have been silent for too long.

    `alive_at` is their latest sign of life, `followed_since` the moment they agreed to tracking
    (`None`: they do not agree), `asked_at` is when they were last asked, and `welcome` says whether
    they agree to emails and may be emailed. Until `paused_until`, if ever, they got none.
    """

    alive_at: datetime
    followed_since: datetime | None
    welcome: bool
    under_way: bool = False
    asked_at: datetime | None = None
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A decision to ask them now."""


@dataclass(frozen=True, slots=True)
class CountFrom:
    """A decision not to ask them; their silence counts from `at`."""

    at: datetime


def decide(silence: Silence, quiet: Quiet, now: datetime) -> Ask | CountFrom:
    """Decide whether to ask now: once in a silence, and never in the middle of a series.

    Anyone whose signs cannot be seen is never asked. Silence counts from the moment at which signs
    could be seen, at the earliest: the consent to tracking, and the end of a pause.
    """
    if silence.followed_since is None:
        return CountFrom(now)
    since = max(silence.alive_at, silence.followed_since)
    if silence.paused_until:
        since = max(since, min(silence.paused_until, now))
    if now - since < quiet.after:
        return CountFrom(since)
    asked = silence.asked_at is not None and silence.asked_at >= since
    if asked or not silence.welcome:
        return CountFrom(now)
    if silence.under_way:
        return CountFrom(now - quiet.after + min(_LOOK_AGAIN_IN, quiet.after))
    return Ask()


def ends_silence(kind: str, verdict: Verdict | None, *, is_held: bool) -> bool:
    """Return whether an event ends a silence; a hit that `is_held` has no verdict yet."""
    if verdict is Verdict.HUMAN:
        return kind in ENDS_A_SILENCE
    return kind in ENDS_IT_IN_DOUBT and (verdict is Verdict.UNSURE or is_held)


def end_of_question(*, reached: bool, answered: bool, followed: bool) -> Ending | None:
    """Return how a question ends once its patience is over; `None` if it never reached them.

    Silence counts only for people whose signs could be seen, and who got the question.
    """
    if answered:
        return ANSWERED
    if not followed:
        return NOT_JUDGED
    return UNANSWERED if reached else None


def asks_in_foot(alive_at: datetime, broadcasts: Collection[datetime], now: datetime) -> bool:
    """Return whether a broadcast sent now asks someone without tracking in its foot.

    `broadcasts` is when they were sent others. Of these, the first after 24 months without a sign
    asked them, and then the first after each 24 months since. Nothing follows from their silence.
    """
    due_at = alive_at + ASKED_IN_THE_FOOT_AFTER
    for sent_at in sorted(broadcasts):
        if sent_at >= due_at:
            due_at = sent_at + ASKED_IN_THE_FOOT_AFTER
    return now >= due_at
