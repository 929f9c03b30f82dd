"""When to ask people who have been silent whether they still want the emails."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.sequences.sequence import Quiet

#: Anyone in the middle of a series is looked at again after this long.
_LOOK_AGAIN_IN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Silence:
    """What is known about a person who may have been silent for too long.

    `alive_at` is their latest sign of life, `asked_at` is when they were last asked, and `welcome`
    says whether they agree to emails and may be emailed.
    """

    alive_at: datetime
    welcome: bool
    under_way: bool = False
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A decision to ask them now."""


@dataclass(frozen=True, slots=True)
class CountFrom:
    """A decision not to ask them; their silence counts from `at`."""

    at: datetime


def decide(silence: Silence, quiet: Quiet, now: datetime) -> Ask | CountFrom:
    """Decide whether to ask now: once in a silence, and never in the middle of a series."""
    if now - silence.alive_at < quiet.after:
        return CountFrom(silence.alive_at)
    asked = silence.asked_at is not None and silence.asked_at >= silence.alive_at
    if asked or not silence.welcome:
        return CountFrom(now)
    if silence.under_way:
        return CountFrom(now - quiet.after + min(_LOOK_AGAIN_IN, quiet.after))
    return Ask()
