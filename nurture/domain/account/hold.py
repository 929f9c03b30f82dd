"""The account at the mail server: how long it is on hold after a refusal, and when it is probed.

During a hold no message fails; they all wait. When the pause is over, one message is offered as a
probe, and its outcome either reopens the account or extends the hold.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.domain.messages.refusal import Cause

#: This many equal permanent refusals, of as many people and with no acceptance between them, are
#: about the server, whatever they say.
EQUAL_REFUSALS = 5

#: How long the account is left alone at first, and at most before each further probe.
_FIRST = {
    Cause.RATE: timedelta(minutes=1),
    Cause.LOGIN: timedelta(minutes=1),
    Cause.BOUNCES: timedelta(days=3650),
}
_USUALLY_FIRST = timedelta(minutes=15)
_LONGEST = {Cause.LOGIN: timedelta(hours=1), Cause.BOUNCES: timedelta(days=3650)}
_USUALLY_LONGEST = timedelta(hours=4)

#: After a probe that says nothing about the account, the next one follows soon.
_SOON = timedelta(minutes=1)

#: After this long, waiting alone has not helped, and the owner is told what to do.
_PATIENCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold on an account that is not accepting mail.

    `reason` is a sentence that includes the server's words. `until` is when the next probe may be
    sent, and `pause` is the length of the wait before it. `mark` is what the refusals had in
    common, if they were blamed on the server only because they were alike.
    """

    cause: Cause
    reason: str
    since: datetime
    until: datetime
    pause: timedelta
    mark: str = ""

    def is_over(self, now: datetime) -> bool:
        """Return whether a probe may be sent."""
        return self.until <= now

    def outlasts_patience(self, now: datetime) -> bool:
        """Return whether the owner should do something about it."""
        at_once = self.cause in (Cause.SUSPENDED, Cause.LOGIN, Cause.SENDER, Cause.BOUNCES)
        return at_once or now - self.since >= _PATIENCE


def hold(
    cause: Cause, reason: str, now: datetime, wait: timedelta | None = None, mark: str = ""
) -> Hold:
    """Return a new hold on an open account; `wait` is the delay the server asked for."""
    pause = max(_FIRST.get(cause, _USUALLY_FIRST), wait or timedelta(0))
    return Hold(cause, reason, now, now + pause, pause, mark)


def held_again(
    held: Hold, cause: Cause, reason: str, now: datetime, wait: timedelta | None = None
) -> Hold:
    """Extend a hold after a refused probe: twice the pause, within limits, but at least `wait`."""
    longest = _LONGEST.get(cause, _USUALLY_LONGEST)
    pause = max(min(held.pause * 2, longest), wait or timedelta(0))
    return replace(held, cause=cause, reason=reason, until=now + pause, pause=pause)


def probed(held: Hold, now: datetime) -> Hold:
    """Block further probes while one is under way, even if its worker is killed."""
    return replace(held, until=now + held.pause)


def tried_now(held: Hold, now: datetime) -> Hold:
    """Probe now, because the owner has dealt with it, and again soon if that is refused."""
    return replace(held, until=now, pause=_SOON)


def undecided(held: Hold, now: datetime) -> Hold:
    """Schedule another probe soon: the last one failed for reasons of its own."""
    return replace(held, until=now + _SOON)


@dataclass(frozen=True, slots=True)
class Equal:
    """A permanent refusal: who it was for, and the mark it shares with others (see `alike`)."""

    subscriber: int
    mark: str


def about_the_server(refusals: Iterable[Equal]) -> str:
    """Return the mark of a run of refusals that is about the server, or an empty string.

    `refusals` are those since the last acceptance.
    """
    people: dict[str, set[int]] = {}
    for one in refusals:
        people.setdefault(one.mark, set()).add(one.subscriber)
    return next((mark for mark, who in people.items() if len(who) >= EQUAL_REFUSALS), "")
