"""Preferences: what a person wants to receive, and what changes when they stop or come back."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from nurture.domain.errors import NurtureError
from nurture.domain.scheduling.gate import Frequency, PausedBy
from nurture.domain.subscribers.consent import (
    OWN_WORDINGS,
    STREAMS,
    ConsentChange,
    Consents,
    Purpose,
    Scope,
    changed,
)
from nurture.domain.subscribers.suppression import Suppression, SuppressionReason, strongest

_UNSUBSCRIBED = SuppressionReason.UNSUBSCRIBED

#: How long someone who asks for a pause gets no emails.
PAUSE = timedelta(days=30)

#: What a stop withdraws, if it was granted; coming back grants no more than that.
STOPPED = (Purpose.GUIDE, *STREAMS)


class UnclearWishError(NurtureError):
    """A person who gets no emails did not say both what they want and how often."""


class Wish(StrEnum):
    """How often a person wants to hear from us, least last, as the preference page asks it."""

    USUAL = "usual"
    FEWER = "fewer"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class PreferenceChange:
    """What a person wants from now on, as they saved it on the preference page.

    `streams` are the answers to the boxes of what they want to be sent; empty if they were not
    asked.
    """

    frequency: Wish
    tracking: bool
    health_topics: bool
    streams: Mapping[Scope, bool] = field(default_factory=dict)

    @property
    def boxes(self) -> Mapping[Scope, bool]:
        """The answer to each box about what may be learnt of them."""
        return {
            Scope(Purpose.TRACKING): self.tracking,
            Scope(Purpose.HEALTH_TOPICS): self.health_topics,
        }


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a person receives now: their consents, their suppressions, and how often.

    `withdrawn_by_stop` is what they last withdrew by a stop, `lapsed` what was last withdrawn
    because they were silent, and `refused` everything that they last said no to. `may_as_client`
    says that they get news because they are clients.
    """

    consents: Consents
    suppressions: tuple[Suppression, ...] = ()
    frequency: Frequency = Frequency.USUAL
    paused_until: datetime | None = None
    paused_by: PausedBy = PausedBy.PERSON
    withdrawn_by_stop: frozenset[Scope] = frozenset()
    lapsed: frozenset[Scope] = frozenset()
    refused: frozenset[Scope] = frozenset()
    may_as_client: bool = False

    @property
    def is_wanted(self) -> bool:
        """Whether there is any kind of marketing that they may be sent, if nothing forbids it."""
        return bool(self.consents.streams) or self.may_as_client

    @property
    def says_no(self) -> bool:
        """Whether they get no emails, whatever they agree to; a bounce is no refusal of theirs."""
        return bool({one.reason for one in self.suppressions} - {SuppressionReason.BOUNCED})

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
    ends_client_basis: bool = False

    @property
    def changes_anything(self) -> bool:
        """Whether there is any effect at all."""
        return any((self.boxes, self.stopped, self.wanted, self.often, self.ends_client_basis))


def wish_of(present: Subscription, now: datetime) -> Wish:
    """Return how often a person wants to hear from us, as the preference page shows it.

    A bounce is no refusal, and saving another change on the page must not turn it into one.
    """
    if not present.is_wanted or present.says_no:
        return Wish.STOPPED
    return Wish.PAUSED if present.pause_at(now) else Wish(present.frequency)


def is_ticked(present: Subscription, stream: Scope) -> bool:
    """Return whether the preference page shows that kind of email as wanted."""
    as_client = present.may_as_client and stream == Scope(Purpose.NEWS)
    return not present.says_no and (stream in present.consents or as_client)


def check_wish(
    present: Subscription, wish: Wish, streams: Mapping[Scope, bool], now: datetime
) -> None:
    """Raise `UnclearWishError` if a saved page cannot be followed without guessing a consent.

    Someone who gets no emails must say what they want to be sent and how often; the one does not
    follow from the other.
    """
    if not streams or wish_of(present, now) is not Wish.STOPPED:
        return
    ticked = any(streams.values())
    if ticked and wish is Wish.STOPPED:
        raise UnclearWishError(
            "You have ticked what you would like, but “Stop all emails” is still chosen.",
            remedy="Nothing has been changed. Please choose how often we may write as well.",
        )
    if not ticked and wish is not Wish.STOPPED:
        raise UnclearWishError(
            "You get no emails from us at the moment, and nothing is ticked that we may send you.",
            remedy="Nothing has been changed. Please tick at least one kind of email as well.",
        )


def stop(present: Subscription) -> Stopped | None:
    """Decide what an unsubscription withdraws; return `None` if they have unsubscribed before.

    If another spelling of the mailbox has, this one's own no is recorded as well.
    """
    reasons = {one.reason for one in present.suppressions}
    if any(one.reason is _UNSUBSCRIBED and not one.of_mailbox for one in present.suppressions):
        return None
    withdrawn = (scope for scope in present.consents.scopes if scope.purpose in STOPPED)
    reason = strongest({*reasons, _UNSUBSCRIBED}) or _UNSUBSCRIBED
    return Stopped(in_own_words(withdrawn, False), reason)


def come_back(present: Subscription, now: datetime) -> CameBack | None:
    """Decide what taking an unsubscription back grants; return `None` if there is none."""
    return _come_back(present, present.withdrawn_by_stop, now)


def keep_only(present: Subscription, stream: Scope, now: datetime) -> CameBack | None:
    """Decide what keeping one kind of email after a stop grants: no more than that.

    Return `None` if they have not stopped, or did not get that kind before.
    """
    if stream not in kept_open(present):
        return None
    return _come_back(present, {stream}, now)


def is_only(present: Subscription, stream: Scope) -> bool:
    """Return whether they get that kind of email and no other."""
    others = present.may_as_client and stream.purpose is not Purpose.NEWS
    return not present.says_no and present.consents.streams == {stream} and not others


def kept_open(present: Subscription) -> list[Scope]:
    """Return the kinds of email that may be kept after a stop: those that they got before it."""
    stopped = any(one.reason is _UNSUBSCRIBED for one in present.suppressions)
    before = present.withdrawn_by_stop if stopped else ()
    return sorted(scope for scope in before if scope.purpose in STREAMS)


def _come_back(present: Subscription, granted: Collection[Scope], now: datetime) -> CameBack | None:
    mine = [one for one in present.suppressions if one.reason is _UNSUBSCRIBED]
    if not any(one.since <= now for one in mine):
        return None
    again = (scope for scope in granted if scope.purpose in STOPPED)
    others = {one.reason for one in present.suppressions} - {_UNSUBSCRIBED}
    return CameBack(in_own_words(again, True), strongest(others))


def want_emails(present: Subscription, now: datetime) -> Wanted:
    """Decide how a person who wants the emails gets them again.

    An unsubscription is taken back, and what lapsed in silence is agreed to again, unless the
    address is suppressed for another reason.
    """
    back = come_back(present, now)
    left = back.left if back else present.suppressed
    agreed = present.consents.after(back.granted) if back else present.consents
    lapsed = [scope for scope in present.lapsed if not left and scope not in agreed]
    return Wanted(back, in_own_words(lapsed, True))


def _choose(present: Subscription, streams: Mapping[Scope, bool], now: datetime) -> Wanted:
    """Decide what the boxes of the kinds of email change; one ticked takes back a stop.

    Clients find the box of the news ticked, and leaving it so is no consent.
    """
    streams = {
        scope: yes
        for scope, yes in streams.items()
        if not (yes and scope not in present.consents and is_ticked(present, scope))
    }
    ticked = [scope for scope, yes in streams.items() if yes]
    back = _come_back(present, ticked, now) if ticked else None
    left = back.left if back else present.suppressed
    agreed = present.consents.after(back.granted) if back else present.consents
    wanted = {scope: False for scope in streams if scope not in ticked} if left else streams
    return Wanted(back, tuple(changed(agreed, wanted, OWN_WORDINGS)))


def prefer(
    present: Subscription,
    wish: Wish,
    boxes: Mapping[Scope, bool],
    now: datetime,
    streams: Mapping[Scope, bool] = MappingProxyType({}),
) -> Preferred:
    """Decide what a saved preference page changes.

    `streams` are the answers to the boxes of what they want to be sent; empty if the page did not
    ask.
    """
    said = tuple(changed(present.consents, boxes, OWN_WORDINGS))
    if wish is Wish.STOPPED:
        # For people who get no emails this is already selected, so they stop nothing by it.
        return Preferred(said, stop(present) if present.is_wanted else None)
    wanted = _choose(present, streams, now) if streams else want_emails(present, now)
    often = _often(present, wish, now)
    said += _said_as_client(present, streams)
    return Preferred(said, None, wanted, often, _refuses_as_client(present, streams))


def prefer_less(
    present: Subscription,
    wish: Wish,
    boxes: Mapping[Scope, bool],
    now: datetime,
    streams: Mapping[Scope, bool] = MappingProxyType({}),
) -> Preferred:
    """Decide what a page changes that may withdraw consent and slow emails down, and no more."""
    stopped = stop(present) if wish is Wish.STOPPED else None
    # A stop withdraws every kind of email itself, and can be taken back as a whole.
    asked = boxes if stopped else {**boxes, **streams}
    refused = {scope: False for scope, yes in asked.items() if not yes}
    said = tuple(changed(present.consents, refused, OWN_WORDINGS))
    if wish is Wish.STOPPED:
        return Preferred(said, stopped)
    is_less = list(Wish).index(wish) > list(Wish).index(wish_of(present, now))
    often = _often(present, wish, now) if is_less else None
    said += _said_as_client(present, streams)
    return Preferred(said, None, None, often, _refuses_as_client(present, streams))


def _refuses_as_client(present: Subscription, streams: Mapping[Scope, bool]) -> bool:
    """Return whether a client says no to the news that they get without having agreed to them."""
    return present.may_as_client and streams.get(Scope(Purpose.NEWS), True) is False


def _said_as_client(
    present: Subscription, streams: Mapping[Scope, bool]
) -> tuple[ConsentChange, ...]:
    """Return the record of a client's no to news that they had never agreed to.

    Without it nothing would prove the no, and a restored backup would know nothing of it.
    """
    news = Scope(Purpose.NEWS)
    if news in present.consents or not _refuses_as_client(present, streams):
        return ()
    return in_own_words([news], False)


def _often(present: Subscription, wish: Wish, now: datetime) -> Often:
    """Keep a pause that has begun as it is; any other wish ends it."""
    already = present.pause_at(now)
    by = present.paused_by if already else PausedBy.PERSON
    if wish is Wish.PAUSED:
        return Often(present.frequency, already or now + PAUSE, by)
    return Often(Frequency(wish), None, by)


def in_own_words(scopes: Iterable[Scope], granted: bool) -> tuple[ConsentChange, ...]:
    """Return what is granted or withdrawn, with the wordings of our own pages."""
    return tuple(
        ConsentChange(one.purpose, granted, OWN_WORDINGS[one.purpose], one.form)
        for one in sorted(scopes)
    )
