"""Preferences: what a person wants to receive, and what changes when they stop or come back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from nurture.domain.scheduling.gate import Frequency, PausedBy
from nurture.domain.subscribers.consent import (
    OWN_WORDINGS,
    ConsentChange,
    Consents,
    Purpose,
    changed,
)
from nurture.domain.subscribers.suppression import Suppression, SuppressionReason, strongest

_UNSUBSCRIBED = SuppressionReason.UNSUBSCRIBED

#: How long someone who asks for a pause gets no emails.
PAUSE = timedelta(days=30)

#: What a stop withdraws, if it was granted; coming back grants no more than that.
STOPPED = (Purpose.GUIDE, Purpose.MARKETING)


class Wish(StrEnum):
    """How often a person wants to hear from us, least last, as the preference page asks it."""

    USUAL = "usual"
    FEWER = "fewer"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class PreferenceChange:
    """What a person wants from now on, as they saved it on the preference page."""

    frequency: Wish
    tracking: bool
    health_topics: bool

    @property
    def boxes(self) -> Mapping[Purpose, bool]:
        """The answer to each box of the page."""
        return {Purpose.TRACKING: self.tracking, Purpose.HEALTH_TOPICS: self.health_topics}


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a person receives now: their consents, their suppressions, and how often.

    `withdrawn_by_stop` are the purposes whose latest record is the withdrawal by a stop.
    """

    consents: Consents
    suppressions: tuple[Suppression, ...] = ()
    frequency: Frequency = Frequency.USUAL
    paused_until: datetime | None = None
    paused_by: PausedBy = PausedBy.PERSON
    withdrawn_by_stop: frozenset[Purpose] = frozenset()

    @property
    def suppressed(self) -> SuppressionReason | None:
        """The strongest reason not to email them, if there is one."""
        return strongest(one.reason for one in self.suppressions)

    def pause_at(self, now: datetime) -> datetime | None:
        """The end of their pause, if they are paused at that moment."""
        return self.paused_until if self.paused_until and self.paused_until > now else None


class Stopped(NamedTuple):
    """The effect of a stop: the consents withdrawn, and the reason with which enrolments end.

    That reason is a stronger one if the address is suppressed for a stronger one.
    """

    withdrawn: tuple[ConsentChange, ...]
    reason: SuppressionReason


class CameBack(NamedTuple):
    """The effect of taking an unsubscription back: the consents granted again.

    `left` is the strongest other reason not to email the address, if there is one.
    """

    granted: tuple[ConsentChange, ...]
    left: SuppressionReason | None


class Wanted(NamedTuple):
    """The effect of wanting the emails: an unsubscription taken back, and consent given."""

    came_back: CameBack | None
    agreed: tuple[ConsentChange, ...]


class Often(NamedTuple):
    """How often a person gets emails from now on, and until when they get none."""

    frequency: Frequency
    paused_until: datetime | None
    paused_by: PausedBy


class Preferred(NamedTuple):
    """The effect of a saved preference page; `None` means no change."""

    boxes: tuple[ConsentChange, ...]
    stopped: Stopped | None = None
    wanted: Wanted | None = None
    often: Often | None = None


def wish_of(present: Subscription, now: datetime) -> Wish:
    """Return how often a person wants to hear from us, as the preference page shows it.

    A bounce is no refusal, and saving another change on the page must not turn it into one.
    """
    noes = {one.reason for one in present.suppressions} - {SuppressionReason.BOUNCED}
    if Purpose.MARKETING not in present.consents or noes:
        return Wish.STOPPED
    return Wish.PAUSED if present.pause_at(now) else Wish(present.frequency)


def stop(present: Subscription) -> Stopped | None:
    """Decide what an unsubscription withdraws; return `None` if they have unsubscribed before."""
    reasons = {one.reason for one in present.suppressions}
    if _UNSUBSCRIBED in reasons:
        return None
    withdrawn = (purpose for purpose in STOPPED if purpose in present.consents)
    reason = strongest({*reasons, _UNSUBSCRIBED}) or _UNSUBSCRIBED
    return Stopped(_in_own_words(withdrawn, False), reason)


def come_back(present: Subscription, now: datetime) -> CameBack | None:
    """Decide what taking an unsubscription back grants; return `None` if there is none."""
    mine = [one for one in present.suppressions if one.reason is _UNSUBSCRIBED]
    if not any(one.since <= now for one in mine):
        return None
    withdrawn = (purpose for purpose in STOPPED if purpose in present.withdrawn_by_stop)
    others = {one.reason for one in present.suppressions} - {_UNSUBSCRIBED}
    return CameBack(_in_own_words(withdrawn, True), strongest(others))


def want_emails(present: Subscription, now: datetime) -> Wanted:
    """Decide how a person who wants the emails gets them again.

    An unsubscription is taken back. Consent that was never given, or that lapsed in silence, is
    given, unless the address is suppressed for another reason.
    """
    back = come_back(present, now)
    given = {change.purpose for change in back.granted} if back else set()
    left = back.left if back else present.suppressed
    wanted = {} if left else {Purpose.MARKETING: True}
    agreed = Consents(present.consents.purposes | given)
    return Wanted(back, tuple(changed(agreed, wanted, OWN_WORDINGS)))


def prefer(
    present: Subscription, wish: Wish, boxes: Mapping[Purpose, bool], now: datetime
) -> Preferred:
    """Decide what a saved preference page changes."""
    said = tuple(changed(present.consents, boxes, OWN_WORDINGS))
    if wish is not Wish.STOPPED:
        return Preferred(said, None, want_emails(present, now), _often(present, wish, now))
    # For people who have agreed to no emails, this is already selected, so they stop nothing by it.
    agreed = Purpose.MARKETING in present.consents
    return Preferred(said, stop(present) if agreed else None)


def prefer_less(
    present: Subscription, wish: Wish, boxes: Mapping[Purpose, bool], now: datetime
) -> Preferred:
    """Decide what a page changes that may withdraw consent and slow emails down, and no more."""
    refused = {purpose: False for purpose, yes in boxes.items() if not yes}
    said = tuple(changed(present.consents, refused, OWN_WORDINGS))
    if wish is Wish.STOPPED:
        return Preferred(said, stop(present))
    is_less = list(Wish).index(wish) > list(Wish).index(wish_of(present, now))
    return Preferred(said, often=_often(present, wish, now) if is_less else None)


def _often(present: Subscription, wish: Wish, now: datetime) -> Often:
    """Keep a pause that has begun as it is; any other wish ends it."""
    already = present.pause_at(now)
    by = present.paused_by if already else PausedBy.PERSON
    if wish is Wish.PAUSED:
        return Often(present.frequency, already or now + PAUSE, by)
    return Often(Frequency(wish), None, by)


def _in_own_words(purposes: Iterable[Purpose], granted: bool) -> tuple[ConsentChange, ...]:
    return tuple(ConsentChange(one, granted, OWN_WORDINGS[one]) for one in purposes)
