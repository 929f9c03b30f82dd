"""The last check before an email is sent: is it allowed?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from nurture.domain.reasons import Code, Reason
from nurture.domain.rights.mailing import Mailing
from nurture.domain.rights.table import Permission, Permitted, SubscriberState, may_write
from nurture.domain.sequences.enrolment import EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import ANSWERS, StepKind
from nurture.domain.subscribers.bookings import is_booked
from nurture.domain.subscribers.consent import Consents, Purpose, Scope
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


def gives_way_to_a_reply(paused_until: datetime | None, by: PausedBy, now: datetime) -> bool:
    """Return whether a pause for a reply may take the place of the one there is, if there is any.

    One that they asked for themselves stays: the owner ends a pause for a reply once they have
    answered, which would otherwise bring emails in the middle of the pause.
    """
    return paused_until is None or paused_until <= now or by is not PausedBy.PERSON


@dataclass(frozen=True, slots=True)
class Standing:
    """What the gate needs to know about a subscriber.

    `mailed_at` lists recent emails of the series. `suppressed` is the strongest reason; `bounces`
    says that a bounce is in force, whether or not it is the strongest. `guide_on_trial` lets
    through the one guide that was requested after a bounce. `booked_until` comes from
    `domain.subscribers.bookings`: it is until when they have had an appointment. `is_unknown` says
    that nothing shows that they agreed to anything, and `may_as_client` that the practice may write
    to them about its own services because they bought one. `series_first_at` is when an email of a
    series is awaited that has moved so often that it goes before any broadcast, if there is one.
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
    is_confirmed: bool = True
    is_unknown: bool = False
    is_client: bool = False
    may_as_client: bool = False
    series_first_at: datetime | None = None

    def states_at(self, now: datetime) -> set[SubscriberState]:
        """Return every state that this person is in at that moment."""
        applies = (
            (SubscriberState.BOUNCED, self.bounces),
            (SubscriberState.IMPORTED_UNKNOWN, self.is_unknown),
            (SubscriberState.UNCONFIRMED, not self.is_confirmed),
            (SubscriberState.PAUSED, self.paused_until and self.paused_until > now),
            (SubscriberState.CLIENT, self.is_client),
            (SubscriberState.BOOKED, is_booked(self.booked_until)),
        )
        found = {state for state, is_so in applies if is_so}
        return found | {SubscriberState(self.suppressed)} if self.suppressed else found


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


@dataclass(frozen=True, slots=True)
class NotForThem:
    """A refusal of this one email; the series goes on without it."""

    why: Reason


Verdict = Allowed | Postponed | Refused | NotForThem


def may_send(
    kind: StepKind,
    standing: Standing,
    now: datetime,
    caps: Caps = USUAL_CAPS,
    *,
    sequence_paused: bool = False,
    scope: Scope | None = None,
) -> Verdict:
    """Return whether a due email of that kind may leave now and, if not, why and until when.

    `scope` is what they must have agreed to, by default what the kind says. In a paused sequence
    only what was asked for may leave, whatever else would postpone it.
    """
    scope = scope or (Scope(kind.rules.consent) if kind.rules.consent else None)
    permitted = _permitted(kind, standing, now, scope)
    if permitted.answer is Permission.NO:
        return _refused(kind, permitted, scope)
    if kind in ANSWERS:
        return Allowed()
    if sequence_paused:
        return Postponed(UNTIL_RESUMED, Reason(Code.SEQUENCE_PAUSED))
    return _postponement(standing, now, caps) or Allowed()


def capped(standing: Standing, now: datetime, caps: Caps) -> Postponed | None:
    """Return until when the frequency cap puts off an email that is due now, if it does."""
    cap = caps.of(standing.frequency)
    recent = sorted(at for at in standing.mailed_at if at > now - cap.within)
    if len(recent) >= cap.mails:
        until = recent[-cap.mails] + cap.within
        return Postponed(until, Reason(_NOT_SO_SOON[standing.frequency]))
    return None


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


_OF_STREAM: Mapping[Purpose, Mailing] = {
    Purpose.ARTICLES: Mailing.ARTICLES,
    Purpose.NEWS: Mailing.NEWS,
}

_SUPPRESSED = frozenset(SubscriberState(reason) for reason in SuppressionReason)

#: An invitation is refused to people in these states; everything else goes on.
_NOT_INVITED = frozenset({SubscriberState.CLIENT, SubscriberState.BOOKED})


def mailing_of(kind: StepKind, scope: Scope | None) -> Mailing:
    """Return what an email of that kind and stream is, as the table of the right to write asks."""
    mailing = kind.rules.mailing
    if mailing is Mailing.SERIES and scope:
        return _OF_STREAM.get(scope.purpose, mailing)
    return mailing


def _permitted(kind: StepKind, standing: Standing, now: datetime, scope: Scope | None) -> Permitted:
    return may_write(
        mailing_of(kind, scope),
        scope,
        standing.consents,
        standing.states_at(now),
        is_client_basis=standing.may_as_client,
        guide_on_trial=standing.guide_on_trial,
    )


def _refused(kind: StepKind, permitted: Permitted, scope: Scope | None) -> Refused | NotForThem:
    """Return how a refusal ends the enrolment, or that it only passes over this email."""
    assert permitted.why is not None
    state, why = permitted.state, permitted.why
    if state in _SUPPRESSED:
        return _suppressed(SuppressionReason(state))
    if state in _NOT_INVITED or (state is None and _is_apart(kind, scope)):
        return NotForThem(why)
    return Refused(EnrolmentStatus.UNSUBSCRIBED, why, EndReason.NO_CONSENT)


def _is_apart(kind: StepKind, scope: Scope | None) -> bool:
    """Return whether people may lack the consent to that email and agree to the rest of the series.

    After stopping everything and keeping the series, a person no longer agrees to the guide. They
    are not reminded of it, and may still collect it, which begins the series.
    """
    return kind.rules.reminds or bool(scope and scope.purpose in _OF_STREAM)


def _suppressed(reason: SuppressionReason) -> Refused:
    ending = ending_by(reason)
    because = EndReason(reason)
    return Refused(ending.status, Reason(because), because)


def _postponement(standing: Standing, now: datetime, caps: Caps) -> Postponed | None:
    if standing.paused_until and standing.paused_until > now:
        return Postponed(standing.paused_until, Reason(_PAUSED[standing.paused_by]))
    return capped(standing, now, caps)
