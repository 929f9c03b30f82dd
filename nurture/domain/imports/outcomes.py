"""One outcome for each address, however many rows and files speak of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from nurture.domain.imports.piles import Pile, PileReason, Sorted, pile_of
from nurture.domain.imports.row import ImportRow, RowState
from nurture.domain.imports.statement import Statement
from nurture.domain.subscribers.address import address_key

_LAST = datetime.max.replace(tzinfo=UTC)

#: A refusal overrides every basis; of bases, the stronger one counts.
_STRONGEST_FIRST = {
    pile: place
    for place, pile in enumerate(
        (Pile.SUPPRESSED, Pile.EVIDENCE, Pile.STATED, Pile.CLIENT, Pile.UNKNOWN, Pile.MISTAKES)
    )
}
_REASONS = {reason: place for place, reason in enumerate(PileReason)}


@dataclass(frozen=True, slots=True)
class AddressOutcome:
    """What becomes of one address: its pile, the row that decided it, and every refusal.

    `refusals` has the last known time of each, or `None`. `name_from` is the row whose names are
    the fullest.
    """

    key: str
    sorted: Sorted
    row: ImportRow
    name_from: ImportRow
    refusals: Mapping[RowState, datetime | None] = field(default_factory=dict)


def merge(
    rows: Iterable[ImportRow], statement: Statement, now: datetime
) -> dict[str, AddressOutcome]:
    """Return one outcome for each address, by `address_key`; rows without an address are left out.

    Any refusal overrides all else, then the strongest basis counts. The order of rows and of files
    never matters.
    """
    of_each: dict[str, AddressOutcome] = {}
    for row in rows:
        found = pile_of(row, statement, now)
        if found.pile is Pile.MISTAKES:
            continue
        key = address_key(row.address)
        refused = {row.state: row.left_at} if row.state.is_refusal else {}
        one = AddressOutcome(key, found, row, row, refused)
        of_each[key] = _stronger(of_each[key], one) if key in of_each else one
    return of_each


def strongest(piles: Iterable[Sorted]) -> Sorted:
    """Return what counts of several rows about one address; there must be at least one."""
    return min(piles, key=_rank)


def _stronger(one: AddressOutcome, other: AddressOutcome) -> AddressOutcome:
    first = min(one, other, key=lambda each: (_rank(each.sorted), _content(each.row)))
    named = min(one.name_from, other.name_from, key=_fullness)
    refusals = _latest(one.refusals, other.refusals)
    return AddressOutcome(one.key, first.sorted, first.row, named, refusals)


def _rank(found: Sorted) -> tuple[int, int]:
    return _STRONGEST_FIRST[found.pile], _REASONS[found.reason]


def _content(row: ImportRow) -> tuple[object, ...]:
    """Return what orders rows that are worth the same: the earliest proof, then all they say."""
    moments = (row.opted_in_at, row.bought_at, row.joined_at, row.confirmed_at, row.left_at)
    texts = (row.opted_in_ip, row.wording, row.page_url, row.form, row.confirmed_ip, row.bought)
    rest = (row.first_name, row.last_name, row.phone, row.list_name, row.email, *row.tags)
    return (*(moment or _LAST for moment in moments), texts, rest, row.sheet, row.line, repr(row))


def _fullness(row: ImportRow) -> tuple[object, ...]:
    known = sum(map(bool, (row.first_name, row.last_name, row.phone)))
    return -known, row.first_name, row.last_name, row.phone, row.sheet, row.line, repr(row)


def _latest(
    one: Mapping[RowState, datetime | None], other: Mapping[RowState, datetime | None]
) -> dict[RowState, datetime | None]:
    return {
        state: max(filter(None, (one.get(state), other.get(state))), default=None)
        for state in RowState
        if state in one or state in other
    }
