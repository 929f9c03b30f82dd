"""The account at the mail server: how long it is left alone after a refusal, and when it is tried.

While it is held nobody has failed: everybody waits. Once the time is up one message is
offered as a probe; what becomes of it opens the account again or holds it for longer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.domain.messages.refusal import Cause

#: So many equal refusals for good, of as many people and with no acceptance between them, are
#: about the server whatever they say.
EQUAL_REFUSALS = 5

#: For how long the account is left alone at first, and at most before each further probe.
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

#: From then on waiting alone has not helped, and the owner is told what to do.
_PATIENCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Hold:
    """An account that takes no mail at present.

    `reason` is a sentence, the server's words included. `until` is when the next probe may
    leave and `pause` how long the wait before it was. `mark` is what the refusals had in
    common where they were held against the server only because they were equal.
    """

    cause: Cause
    reason: str
    since: datetime
    until: datetime
    pause: timedelta
    mark: str = ""

    def is_over(self, now: datetime) -> bool:
        """Whether a probe may leave."""
        return self.until <= now

    def outlasts_patience(self, now: datetime) -> bool:
        """Whether the owner should do something about it."""
        at_once = self.cause in (Cause.SUSPENDED, Cause.LOGIN, Cause.SENDER, Cause.BOUNCES)
        return at_once or now - self.since >= _PATIENCE


def hold(
    cause: Cause, reason: str, now: datetime, wait: timedelta | None = None, mark: str = ""
) -> Hold:
    """Hold an account that was open until now; `wait` is what the answer asks for."""
    pause = max(_FIRST.get(cause, _USUALLY_FIRST), wait or timedelta(0))
    return Hold(cause, reason, now, now + pause, pause, mark)


def held_again(
    held: Hold, cause: Cause, reason: str, now: datetime, wait: timedelta | None = None
) -> Hold:
    """Hold it on after a probe was refused as well: twice as long, up to some hours."""
    longest = _LONGEST.get(cause, _USUALLY_LONGEST)
    pause = max(min(held.pause * 2, longest), wait or timedelta(0))
    return replace(held, cause=cause, reason=reason, until=now + pause, pause=pause)


def probed(held: Hold, now: datetime) -> Hold:
    """While a probe is under way no other leaves, also where its worker is killed."""
    return replace(held, until=now + held.pause)


def tried_now(held: Hold, now: datetime) -> Hold:
    """The owner has seen to it: probe at once, and soon again where that is refused."""
    return replace(held, until=now, pause=_SOON)


def undecided(held: Hold, now: datetime) -> Hold:
    """A probe that failed for a reason of its own says nothing: try another soon."""
    return replace(held, until=now + _SOON)


@dataclass(frozen=True, slots=True)
class Equal:
    """A refusal for good: of whom, and what it has in common with others (see `alike`)."""

    subscriber: int
    mark: str


def about_the_server(refusals: Iterable[Equal]) -> str:
    """The mark of a run that is about the server, or nothing.

    `refusals` are those since the last acceptance.
    """
    people: dict[str, set[int]] = {}
    for one in refusals:
        people.setdefault(one.mark, set()).add(one.subscriber)
    return next((mark for mark, who in people.items() if len(who) >= EQUAL_REFUSALS), "")
