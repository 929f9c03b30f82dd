"""What a row proves, as it is kept, and in which words a consent is recorded that it shows."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from types import MappingProxyType
from typing import Any

from nurture.domain.imports.piles import Pile, PileReason, Sorted
from nurture.domain.imports.row import ImportRow
from nurture.domain.imports.statement import Statement

#: What of a row is no proof: it is kept elsewhere or says where the row was.
_NO_PROOF = frozenset({"line", "sheet", "fault", "address", "first_name", "last_name", "phone"})

_HOW: Mapping[PileReason, str] = MappingProxyType(
    {
        PileReason.OPTED_IN_FROM_NETWORK: "opted in from a recorded network address",
        PileReason.OPTED_IN_ON_PAGE: "opted in on a recorded web page",
        PileReason.OPTED_IN_BY_FORM: "opted in with a form",
        PileReason.CONFIRMED_BY_CLICK: "signed up and followed the link in the confirming email",
    }
)

#: Fewer words than these say yes, and not to what.
_WORDS = 3


def proof_of(row: ImportRow) -> dict[str, Any]:
    """Return everything that a row says about how a person came, as plain JSON values."""
    told = {each.name: getattr(row, each.name) for each in fields(row)}
    return {
        name: _plain(value)
        for name, value in told.items()
        if name not in _NO_PROOF and value not in ("", None, (), {})
    }


def wording_of(
    row: ImportRow, found: Sorted, at: datetime, statement: Statement, program: str
) -> str:
    """Return the words that were agreed to or, where the list has none, what it has instead."""
    if len(row.wording.split()) >= _WORDS and found.pile is not Pile.STATED:
        return row.wording
    if found.pile is Pile.STATED:
        return statement.wording.strip()
    how = _HOW.get(found.reason, "opted in")
    return (
        f"As recorded by {program}: {how}, {at:%-d %B %Y, %H:%M} UTC. The words are not recorded."
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
