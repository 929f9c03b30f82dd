"""The last check before an email is sent: is it allowed?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from nurture.domain.reasons import Code, Reason
from nurture.domain.sequences.enrolment import EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import ANSWERS, StepKind
from nurture.domain.subscribers.consent import Consents
from nurture.domain.subscribers.suppression import SuppressionReason, ending_by


class PausedBy(StrEnum):
    """The one who paused a subscriber's emails."""

    PERSON = "person"
    OWNER = "owner"
    #: They replied, and the series waits until the owner lets it go on.
    REPLY = "reply"


class Frequency(StrEnum):
    """How often a subscriber wants to receive emails."""

    USUAL = "usual"
    FEWER = "fewer"


#: A margin below whole days, because an email due at 08:30 is sent some seconds later.
_NEARLY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """At most `mails` emails of the series within `within`, across all sequences."""

    mails: int
    within: timedelta

    @property
    def days(self) -> int:
        """The length in whole days, as people say it."""
        return (self.within + _NEARLY).days


#: A cap never makes anyone wait longer than this many days for the next email.
LONGEST_CAP_DAYS = 31


def one_in(days: int) -> FrequencyCap:
    """Return a cap of one email in that many days."""
    return FrequencyCap(1, timedelta(days=days) - _NEARLY)


@dataclass(frozen=True, slots=True)
class Caps:
    """A practice's frequency caps: the usual one, and the one for people who want fewer emails."""

    usual: FrequencyCap
    fewer: FrequencyCap

    def of(self, frequency: Frequency) -> FrequencyCap:
        """Return the cap that applies to this frequency."""
        return self.fewer if frequency is Frequency.FEWER else self.usual

    @property
    def longest(self) -> timedelta:
        """How far back an email can count towards a cap."""
        return max(self.usual.within, self.fewer.within)


#: The caps of a practice that has set none.
USUAL_CAPS = Caps(one_in(1), one_in(7))

#: Emails further back than this never count, whatever the practice's caps are.
LONGEST_CAP = one_in(LONGEST_CAP_DAYS).within

#: How much longer ago than a cap an email can have been whose cap has held back another.
HELD_BACK_AT_MOST = timedelta(days=31)

#: When to look again at someone whose step is due in a paused sequence: only once it resumes.
UNTIL_RESUMED = datetime(9999, 1, 1, tzinfo=UTC)

_PAUSED: Mapping[PausedBy, Code] = {
    PausedBy.PERSON: Code.PAUSED_BY_PERSON,
    PausedBy.OWNER: Code.PAUSED_BY_OWNER,
    PausedBy.REPLY: Code.PAUSED_BY_REPLY,
}
_NOT_SO_SOON: Mapping[Frequency, Code] = {
    Frequency.USUAL: Code.EMAILED_RECENTLY,
    Frequency.FEWER: Code.WANT_FEWER,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the gate needs to know about a subscriber.

    `mailed_at` lists recent emails of the series. `suppressed` is the strongest reason; `bounces`
    says that a bounce is in force, whether or not it is the strongest. `guide_on_trial` lets
    through the one guide that was requested after a bounce. `booked_until` comes from
    `domain.subscribers.bookings`: it is until when they have had an appointment.
    """

    consents: Consents
    suppressed: SuppressionReason | None = None
    paused_until: datetime | None = None
    frequency: Frequency = Frequency.USUAL
    mailed_at: Sequence[datetime] = ()
    bounces: bool = False
    guide_on_trial: bool = False
    paused_by: PausedBy = PausedBy.PERSON
    booked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """Permission to send the email."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """A postponement: ask again at `until`."""

    until: datetime
    why: Reason


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal for good: the enrolment ends with `reason`."""

    reason: EnrolmentStatus
    why: Reason
    because: EndReason | None = None


Verdict = Allowed | Postponed | Refused


def may_send(
    kind: StepKind,
    standing: Standing,
    now: datetime,
    caps: Caps = USUAL_CAPS,
    *,
    sequence_paused: bool = False,
) -> Verdict:
    """Return whether a due email of that kind may leave now and, if not, why and until when.

    In a paused sequence only what was asked for may leave, whatever else would postpone it.
    """
    refused = _refusal(kind, standing)
    if refused:
        return refused
    if kind in ANSWERS:
        return Allowed()
    if sequence_paused:
        return Postponed(UNTIL_RESUMED, Reason(Code.SEQUENCE_PAUSED))
    return _postponement(standing, now, caps) or Allowed()


def held_until(
    standing: Standing, caps: Caps = USUAL_CAPS, *, sequence_paused: bool = False
) -> datetime | None:
    """Return until when a pause or the cap holds or has last held back this person's series.

    `standing` must list enough of the emails before. The moment may be in the past; `None` means
    that nothing is known to have held it back.
    """
    if sequence_paused:
        return UNTIL_RESUMED
    cap, mailed = caps.of(standing.frequency), sorted(standing.mailed_at)
    capped_until = mailed[-cap.mails] + cap.within if len(mailed) >= cap.mails else None
    return max(filter(None, (standing.paused_until, capped_until)), default=None)


def _refusal(kind: StepKind, standing: Standing) -> Refused | None:
    needed = kind.rules.consent
    if needed is None:
        return _no_answer(standing)
    if standing.suppressed and not _is_on_trial(kind, standing):
        return _suppressed(standing.suppressed)
    if needed not in standing.consents:
        why = Reason(Code.NO_CONSENT_FOR, purpose=needed)
        return Refused(EnrolmentStatus.UNSUBSCRIBED, why, EndReason.NO_CONSENT)
    return None


def _is_on_trial(kind: StepKind, standing: Standing) -> bool:
    """Return whether this is the one guide that may test an address that has bounced."""
    bounced = standing.suppressed is SuppressionReason.BOUNCED
    return bounced and standing.guide_on_trial and kind is StepKind.GUIDE


def _suppressed(reason: SuppressionReason) -> Refused:
    ending = ending_by(reason)
    because = EndReason(reason)
    return Refused(ending.status, Reason(because), because)


def _no_answer(standing: Standing) -> Refused | None:
    """Return the refusal of an answer, if any.

    People who have unsubscribed may still ask for their data; only an address that was erased or
    has bounced gets no answer.
    """
    if standing.suppressed is SuppressionReason.ERASED:
        return _suppressed(SuppressionReason.ERASED)
    if standing.suppressed is SuppressionReason.BOUNCED or standing.bounces:
        return _suppressed(SuppressionReason.BOUNCED)
    return None


def _postponement(standing: Standing, now: datetime, caps: Caps) -> Postponed | None:
    if standing.paused_until and standing.paused_until > now:
        return Postponed(standing.paused_until, Reason(_PAUSED[standing.paused_by]))
    cap = caps.of(standing.frequency)
    recent = sorted(at for at in standing.mailed_at if at > now - cap.within)
    if len(recent) >= cap.mails:
        until = recent[-cap.mails] + cap.within
        return Postponed(until, Reason(_NOT_SO_SOON[standing.frequency]))
    return None
