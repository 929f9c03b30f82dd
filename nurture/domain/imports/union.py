"""One person known here and in a file: what is true of them once both are put together.

What is known here stays and is only filled in. A refusal outlasts everything but a consent that the
person gave later, and with its proof; what a list or the practice says for them is none.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from nurture.domain.scheduling.gate import Frequency
from nurture.domain.subscribers.consent import (
    EVERY_SERIES,
    EVIDENCE,
    STATED,
    ConsentChange,
    Consents,
    Purpose,
    Scope,
    is_among,
    is_undone,
)

#: Filled in if they are empty here.
_FILLED = ("first_name", "last_name", "phone", "confirmed_at")
_CLIENT = ("client_since", "client_until", "client_basis_at")


class Said(NamedTuple):
    """A consent or a refusal, when it was recorded, and where it came from."""

    scope: Scope
    granted: bool
    at: datetime
    source: str

    @property
    def is_their_own(self) -> bool:
        """Whether the person said it, rather than a list or the practice for them."""
        return self.source.partition(":")[0] not in (EVIDENCE, STATED)


def standing(said: Iterable[Said]) -> Consents:
    """Return what a person agrees to after all that was said, however it is ordered.

    Of two records of one moment the later one in the order given counts. A consent that a list or
    the practice claims never undoes an earlier refusal.
    """
    consents, refused = Consents(), set[Scope]()
    for one in sorted(said, key=lambda one: one.at):
        if one.granted and not one.is_their_own and is_among(one.scope, refused):
            continue
        consents = consents.after(
            [ConsentChange(one.scope.purpose, one.granted, "", one.scope.form)]
        )
        refused = _refused_after(refused, one)
    return consents


def _refused_after(refused: set[Scope], one: Said) -> set[Scope]:
    if not one.granted:
        return refused if is_undone(one.source) else refused | {one.scope}
    every = one.scope == EVERY_SERIES
    return {
        scope
        for scope in refused
        if scope != one.scope and not (every and scope.purpose is Purpose.SERIES)
    }


def filled_in(known: Mapping[str, Any], brought: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a person known here that a file changes, with their new values."""
    wanted = {name: known[name] or brought[name] for name in _FILLED}
    wanted |= {"boxes_seen_at": _later(known["boxes_seen_at"], brought["boxes_seen_at"])}
    if brought["frequency"] == Frequency.FEWER:
        wanted["frequency"] = brought["frequency"]
    if _later(known["paused_until"], brought["paused_until"]) != known["paused_until"]:
        wanted |= {name: brought[name] for name in ("paused_until", "paused_by")}
    if known["client_since"] is None and known["client_basis_at"] is None:
        wanted |= {name: brought[name] for name in _CLIENT}
    return {name: value for name, value in wanted.items() if value != known[name]}


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)
