"""Which signups wait, and which never do.

A website cannot challenge a visitor on our behalf, and an answer that differs would tell a robot
what to change. So nobody is refused: above the limits of an hour, a signup is accepted and its
email waits, while visitors from other networks are served.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

#: How long a form filled in as fast as only programs do waits: a password manager is one, too.
HURRIED_FOR = timedelta(minutes=5)

#: How long what only the owner lets go is kept, and everything else.
ROBOTS_KEPT_FOR, WAITING_KEPT_FOR = timedelta(days=7), timedelta(days=30)

#: How many of those that the owner has let go are taken in by one sweep.
MOST_RELEASED = 200

#: How many of those that wait leave in their turn, unless the owner has set another number.
WAITING_AN_HOUR = 60

#: A form that comes back sooner than this was not filled in by hand.
SOONEST_BY_HAND = timedelta(seconds=2)

#: How many may wait; a flood beyond this is asked to try again in an hour.
MOST_WAITING = 50_000

#: At most this many are let go at once, after a time in which nothing was running.
MOST_AT_ONCE = 10


class WhyWaiting(StrEnum):
    """Why a signup waits."""

    # More came in this hour than usual, and this one's network was among them before.
    FLOOD = "flood"
    # It was filled in faster than people type.
    HURRIED = "hurried"
    # The challenge, which is set while many come, was not solved.
    UNPROVEN = "unproven"
    # It filled in a field that people do not see; only the owner lets it go.
    ROBOT = "robot"

    @property
    def leaves_by_itself(self) -> bool:
        """Whether it is let go in its turn, without the owner."""
        return self is not WhyWaiting.ROBOT


@dataclass(frozen=True, slots=True)
class HourlyLimits:
    """How many signups an hour are taken at once.

    `near` is the limit from one connection, `again` that of signups through one form whose
    neighbourhood had one before, and `firsts` that of those which are their neighbourhood's first,
    beyond which the networks of providers share it. `blind` and `form` are those of a caller who
    does not say who its visitors are: from its address, and through the form.
    """

    near: int
    again: int
    blind: int
    form: int
    firsts: int = 1000

    def many(self, taken: "LastHour") -> bool:
        """Return whether more neighbourhoods came than a practice's website sees in an hour."""
        return taken.firsts >= self.firsts


@dataclass(frozen=True, slots=True)
class LastHour:
    """What was taken in the last hour: from the same networks, and through the same form.

    `wides` is how many networks of providers came through the form; it is counted only if many
    neighbourhoods came, and so is `from_wide`.
    """

    from_near: int = 0
    from_site: int = 0
    again: int = 0
    from_client: int = 0
    through_form: int = 0
    from_wide: int = 0
    wides: int = 0

    @property
    def firsts(self) -> int:
        """How many were the first of their neighbourhood."""
        return self.through_form - self.again


def is_flood(taken: LastHour, limits: HourlyLimits, *, knows_visitor: bool) -> bool:
    """Return whether one more signup is above the limits.

    The first of a provider's network in an hour never is, however many come from elsewhere. The
    first of a neighbourhood is not until hundreds of those have come; then providers get equal
    shares.
    """
    if not knows_visitor:
        return taken.from_client >= limits.blind or taken.through_form >= limits.form
    if taken.from_site == 0:
        share = max(1, limits.firsts // max(1, taken.wides))
        return limits.many(taken) and taken.from_wide >= share
    return (
        taken.from_near >= limits.near
        or taken.again >= limits.again
        or taken.through_form >= limits.form
    )


def suspect(*, trapped: bool, filled_in: timedelta | None) -> WhyWaiting | None:
    """Return why a form from our own page is suspected, if it is.

    It is `trapped` if the field that people do not see was filled in. `filled_in` is the time since
    the page was made, if it says so.
    """
    if trapped:
        return WhyWaiting.ROBOT
    if filled_in is not None and filled_in < SOONEST_BY_HAND:
        return WhyWaiting.HURRIED
    return None


def why_in_flood(solved: bool | None) -> WhyWaiting | None:
    """Return why a signup above the limits waits: one that solved a challenge does not.

    `solved` is `None` if no challenge was set.
    """
    if solved is None:
        return WhyWaiting.FLOOD
    return None if solved else WhyWaiting.UNPROVEN


def may_leave(since: timedelta, an_hour: int) -> int:
    """Return how many of those that wait may leave now, given the time since the last left."""
    return max(0, min(int(since / timedelta(hours=1) * an_hour), MOST_AT_ONCE))
