"""This program's own export, which comes back with everything it was written with.

The cells are handed on as they are, by column; only who refused is read here, because a refusal
counts whatever else becomes of a row.
"""

import json
from collections.abc import Mapping

from nurture.domain.imports.carried import COLUMNS
from nurture.domain.imports.row import RowState, overriding
from nurture.sheets.programs.program import ListProgram, marks, meanings

#: The columns, in order. Lists of records, such as `suppressions` and `consents`, are in JSON.
OWN_COLUMNS = COLUMNS

OWN = ListProgram(
    "own",
    "nurture",
    marks=(marks("email", "basis_unknown", "came_by", "suppressions", "consents"),),
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


def state_of(suppressions: str) -> RowState:
    """Return the state that the suppressions of a row amount to.

    A reason that is not known, as a later release may write one, counts as an opt-out, and so does
    what cannot be read.
    """
    if not suppressions.strip():
        return RowState.UNKNOWN
    try:
        reasons = [one["reason"] for one in json.loads(suppressions)]
    except (ValueError, TypeError, KeyError, RecursionError):
        return RowState.UNSUBSCRIBED
    return overriding(*(_STATES.get(str(reason), RowState.UNSUBSCRIBED) for reason in reasons))
