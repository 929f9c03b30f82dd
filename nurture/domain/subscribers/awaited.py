"""Awaited consents: what was ticked in a form and counts only once the person confirms it.

Anyone can type an address that is not theirs, so a tick about what may be learnt of a person has no
effect before they collect their guide, whose page only the emailed link opens.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from nurture.domain.subscribers.consent import (
    OWN_BOXES,
    ConsentChange,
    Consents,
    Evidence,
    Purpose,
)


@dataclass(frozen=True, slots=True)
class AwaitedConsent:
    """One box ticked in a form and not confirmed yet, with everything that will prove it."""

    purpose: Purpose
    wording: str
    form: str
    said_at: datetime
    privacy_version: str = ""
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def change(self) -> ConsentChange:
        """What is granted once they confirm it."""
        return ConsentChange(self.purpose, True, self.wording)


class SignupConsents(NamedTuple):
    """What a signup grants at once, and what waits until the person confirms it."""

    granted: tuple[ConsentChange, ...]
    awaited: tuple[ConsentChange, ...]


class SettledConsents(NamedTuple):
    """The ticks that a collected guide confirms, and those that its page took away."""

    granted: tuple[AwaitedConsent, ...]
    dropped: frozenset[Purpose]


def split(changes: Iterable[ConsentChange], agreed: Consents, *, proved: bool) -> SignupConsents:
    """Return what counts at once and what is awaited; if the address is `proved`, all counts.

    What the person agrees to already need not be awaited.
    """
    every = tuple(changes)
    held = () if proved else tuple(one for one in every if one.purpose in OWN_BOXES)
    granted = tuple(one for one in every if one not in held)
    return SignupConsents(granted, tuple(one for one in held if one.purpose not in agreed))


def open_among(awaited: Iterable[AwaitedConsent], agreed: Consents) -> list[AwaitedConsent]:
    """Return the ticks that would still change something, in the order of our own boxes."""
    still = [one for one in awaited if one.purpose not in agreed and one.purpose in OWN_BOXES]
    return sorted(still, key=lambda one: OWN_BOXES.index(one.purpose))


def settle(
    awaited: Iterable[AwaitedConsent],
    wanted: Mapping[Purpose, bool],
    shown: Collection[Purpose] | None,
) -> SettledConsents:
    """Decide what collecting a guide makes of the ticks.

    A box that the page showed counts as it was left. One that it did not show yet stays awaited. A
    page of an earlier version, which does not say what it showed, confirms all that it does not
    refuse.
    """
    found = [one for one in awaited if shown is None or one.purpose in shown]
    kept = tuple(one for one in found if wanted.get(one.purpose, shown is None))
    return SettledConsents(kept, frozenset(one.purpose for one in found if one not in kept))
