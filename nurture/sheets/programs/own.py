"""This program's own export, which comes back with everything it was written with.

The cells are handed on as they are, by column; only who refused is read here, because a refusal
counts whatever else becomes of a row.
"""

from collections.abc import Mapping

from nurture.domain.imports.row import RowState, overriding
from nurture.sheets.programs.program import ListProgram, marks, meanings

#: The columns, in order. `suppressed` has `reason@time`, separated by semicolons, and `consents` a
#: list of records in JSON.
OWN_COLUMNS = (
    *("email", "first_name", "last_name", "phone", "time_zone", "created_at", "confirmed_at"),
    *("frequency", "paused_until", "client_since", "client_basis", "basis_unknown", "came_by"),
    *("suppressed", "consents"),
)

OWN = ListProgram(
    "own",
    "nurture",
    marks=(marks("email", "basis_unknown", "came_by", "suppressed", "consents"),),
    columns={
        **meanings(own=",".join(OWN_COLUMNS)),
        **meanings(email="email", first_name="first_name", last_name="last_name", phone="phone"),
        **meanings(time_zone="time_zone", joined_at="created_at"),
    },
    zone="UTC",
)

_STATES: Mapping[str, RowState] = {
    "complained": RowState.COMPLAINED,
    "unsubscribed": RowState.UNSUBSCRIBED,
    "bounced": RowState.BOUNCED,
}


def state_of(suppressed: str) -> RowState:
    """Return the state that the reasons of a row amount to.

    A reason that is not known, as a later release may write one, counts as an opt-out.
    """
    reasons = [part.partition("@")[0].strip() for part in suppressed.split(";") if part.strip()]
    return overriding(*(_STATES.get(reason, RowState.UNSUBSCRIBED) for reason in reasons))
