"""One row of a list from another program, in the words of this one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RowState(StrEnum):
    """What the other program says about a person, in order: the earlier one overrides the later."""

    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    CLEANED = "cleaned"
    BOUNCED = "bounced"
    NONSUBSCRIBED = "nonsubscribed"
    UNCONFIRMED = "unconfirmed"
    UNREADABLE = "unreadable"
    SUBSCRIBED = "subscribed"
    UNKNOWN = "unknown"

    @property
    def is_refusal(self) -> bool:
        """Whether nobody may email such a person, whatever else is known."""
        return self in _REFUSALS


_REFUSALS = frozenset(
    {RowState.COMPLAINED, RowState.UNSUBSCRIBED, RowState.BOUNCED, RowState.CLEANED}
)
_IN_ORDER = {state: place for place, state in enumerate(RowState)}


def overriding(*states: RowState) -> RowState:
    """Return the state that counts if a row or several rows say different things."""
    return min(states, key=_IN_ORDER.__getitem__, default=RowState.UNKNOWN)


class AddressFault(StrEnum):
    """Why a row has no address that one could write to."""

    MISSING = "missing"
    IMPOSSIBLE = "impossible"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One person as a list describes them; times are UTC, and an empty text means not told.

    `email` is what was typed, without blanks; `address` is the same as the program writes it, and
    empty if `fault` says why it is none. `joined_at` is when the row was made, which alone proves
    nothing. `problems` are sentences about cells that could not be read. `own` has the cells of
    this program's own export, by column.
    """

    line: int
    sheet: str
    email: str = ""
    address: str = ""
    fault: AddressFault | None = None
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    state: RowState = RowState.UNKNOWN
    opted_in_at: datetime | None = None
    opted_in_ip: str = ""
    confirmed_at: datetime | None = None
    confirmed_ip: str = ""
    joined_at: datetime | None = None
    wording: str = ""
    page_url: str = ""
    form: str = ""
    left_at: datetime | None = None
    time_zone: str = ""
    bought: str = ""
    bought_at: datetime | None = None
    way_out_offered: bool | None = None
    list_name: str = ""
    tags: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    own: Mapping[str, str] | None = None
