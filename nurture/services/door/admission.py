"""Admission: whether a signup is taken in at once, or is accepted and waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from nurture.domain.door.networks import chain_of
from nurture.domain.door.waiting import (
    HURRIED_FOR,
    MOST_WAITING,
    HourlyLimits,
    LastHour,
    WhyWaiting,
    is_flood,
    why_in_flood,
)
from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.address import domain_key
from nurture.domain.subscribers.late_signups import SignupTime
from nurture.store.database import Connection
from nurture.store.tables import signups
from nurture.store.tables.waiting_signups import add_waiting, count_waiting

_HOUR = timedelta(hours=1)

#: The reasons for which a signup waits until the owner lets it go.
_STUCK = frozenset(why for why in WhyWaiting if not why.leaves_by_itself)


class TooManySignupsError(NurtureError):
    """More signups wait than anyone could look through; try again in an hour."""


class Intake(StrEnum):
    """What became of a signup."""

    TAKEN = "taken"
    REPEATED = "repeated"
    WAITS = "waits"


@dataclass(frozen=True, slots=True)
class SignupLimits:
    """How many signups per hour are taken at once, beyond which their emails wait.

    `per_client` counts one caller who does not say who its visitors are, and is the most that a
    visitor's own connection may have.
    """

    per_client: int
    per_form: int

    def of(self, arrival: "SignupArrival") -> HourlyLimits:
        """Return the limits for a signup that arrived in this way."""
        near, again = _VOUCHED if arrival.vouched else _UNVOUCHED
        return HourlyLimits(min(near, self.per_client), again, self.per_client, self.per_form)


#: From one connection, and from networks that had a signup in the same hour: of a caller who is
#: proven, and of one that anyone can imitate.
_VOUCHED, _UNVOUCHED = (100, 100), (20, 50)


@dataclass(frozen=True, slots=True)
class SignupArrival:
    """How a signup reached us, which decides whether it waits and what it confirms.

    A caller who is `vouched` for has proved that it is the website. `visitor` is the visitor's IP
    address; empty if the caller does not say. With `suspected`, it waits in any case. `solved` says
    whether the visitor solved the challenge; `None` if none was set.
    """

    vouched: bool = True
    visitor: str = ""
    suspected: WhyWaiting | None = None
    solved: bool | None = None


def count_taken(
    connection: Connection,
    form: str,
    arrival: SignupArrival,
    client: str,
    limits: SignupLimits,
    now: datetime,
) -> LastHour:
    """Count what was taken in the last hour, as far as it matters to this signup.

    `client` is the caller's address, which counts if it does not say who its visitors are.
    """
    networks = chain_of(arrival.visitor)
    most, since = max(limits.per_client, limits.per_form), now - _HOUR
    if networks.site:
        return signups.taken_from(connection, form, networks, since, limits.of(arrival))
    return signups.taken_blindly(connection, form, client, since, most)


def why_it_waits(
    arrival: SignupArrival, limits: SignupLimits, taken: LastHour, time: SignupTime
) -> WhyWaiting | None:
    """Return why a signup waits; what the website reports from another hour is no flood of this."""
    if arrival.suspected or (arrival.vouched and time.asked_at < time.told_at - _HOUR):
        return arrival.suspected
    return why_in_flood(arrival.solved) if is_above(arrival, limits, taken) else None


def is_above(arrival: SignupArrival, limits: SignupLimits, taken: LastHour) -> bool:
    """Return whether one more signup is above the limits of the hour."""
    knows_visitor = bool(chain_of(arrival.visitor).site)
    return is_flood(taken, limits.of(arrival), knows_visitor=knows_visitor)


def let_wait(
    connection: Connection,
    asked: Mapping[str, Any],
    arrival: SignupArrival,
    why: WhyWaiting,
    time: SignupTime,
) -> None:
    """Store a signup as one that waits; raise `TooManySignupsError` if far too many do."""
    if count_waiting(connection).total >= MOST_WAITING:
        raise TooManySignupsError("There were too many signups.", remedy="Try again in an hour.")
    patience = HURRIED_FOR if why is WhyWaiting.HURRIED else timedelta(0)
    row = {
        "vouched": arrival.vouched,
        "signed_up_at": time.asked_at,
        "received_at": time.told_at,
        "why": why,
        "ready_at": time.told_at + patience,
        "domain": domain_key(asked["address"].rpartition("@")[2]),
    }
    whole = {**asked, **row, **chain_of(arrival.visitor)._asdict()}
    add_waiting(connection, whole, _STUCK)
