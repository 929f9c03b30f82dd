"""What an import may change about a person: a pure decision about what is known and what came.

No import turns a refusal into a consent, nothing that is known is overwritten, and a person who
brings nothing new stays as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from types import MappingProxyType
from zoneinfo import ZoneInfo

from nurture.domain.imports.outcomes import AddressOutcome
from nurture.domain.imports.piles import Pile, is_plausible
from nurture.domain.imports.row import ImportRow, RowState
from nurture.domain.imports.statement import Statement
from nurture.domain.subscribers.consent import Consents, Purpose, Scope, is_among
from nurture.domain.subscribers.first_names import first_name_in
from nurture.domain.subscribers.suppression import SuppressionReason

_LONDON = ZoneInfo("Europe/London")
_NEWS = Scope(Purpose.NEWS)

#: Another program gives an address up because its emails came back.
REASONS: Mapping[RowState, SuppressionReason] = MappingProxyType(
    {
        RowState.COMPLAINED: SuppressionReason.COMPLAINED,
        RowState.UNSUBSCRIBED: SuppressionReason.UNSUBSCRIBED,
        RowState.BOUNCED: SuppressionReason.BOUNCED,
        RowState.CLEANED: SuppressionReason.BOUNCED,
    }
)


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What is known of an address before an import; `person` is `None` if nobody has it.

    `refused` has what they withdrew, under that number or an earlier one, and `lifted` up to when
    each reason was lifted. `was_client` says that they are or were a client, by which the right to
    write to them may have been given up. `has_proof` says that the same file came before.
    """

    person: int | None = None
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    confirmed_at: datetime | None = None
    came_by_form: bool = False
    basis_unknown: bool = False
    was_client: bool = False
    consents: Consents = field(default_factory=Consents)
    refused: frozenset[Scope] = frozenset()
    suppressed: frozenset[SuppressionReason] = frozenset()
    lifted: Mapping[SuppressionReason, datetime] = field(default_factory=dict)
    has_proof: bool = False


@dataclass(frozen=True, slots=True)
class ImportedChange:
    """What an import changes about one person; empty fields change nothing.

    `fills` has names and a phone number where there were none. `said_at` is when they agreed, if
    they did, and `basis_unknown` is `None` if it stays.
    """

    adds: bool = False
    fills: Mapping[str, str] = field(default_factory=dict)
    grants: tuple[Scope, ...] = ()
    said_at: datetime | None = None
    confirmed_at: datetime | None = None
    client_since: datetime | None = None
    basis_unknown: bool | None = None
    suppresses: Mapping[SuppressionReason, datetime] = field(default_factory=dict)

    @property
    def is_any(self) -> bool:
        """Whether it changes anything."""
        rights = self.grants or self.confirmed_at or self.client_since or self.suppresses
        return self.adds or bool(self.fills or rights) or self.basis_unknown is not None


#: What an import changes about an erased person, who is not written down again.
NO_CHANGE = ImportedChange()


def decide(
    outcome: AddressOutcome,
    known: Acquaintance,
    covers: frozenset[Scope],
    statement: Statement,
    begun_at: datetime,
) -> ImportedChange:
    """Return what changes about the person with an address; an erased person stays erased.

    `covers` are the streams that the list is for, as the owner states. `begun_at` is when this file
    was first imported: a refusal without a time counts from then.
    """
    if known.person is None and SuppressionReason.ERASED in known.suppressed:
        return NO_CHANGE
    suppresses = _suppresses(outcome, known, begun_at)
    may_add = not (known.suppressed or suppresses)
    pile = outcome.sorted.pile
    agreed_at = said_at(outcome.row, pile)
    grants = _grants(known, covers) if may_add and agreed_at else ()
    client_since = _client_since(outcome, known, statement, begun_at) if may_add else None
    return ImportedChange(
        adds=known.person is None,
        fills=_fills(outcome.name_from, known),
        grants=grants,
        said_at=agreed_at,
        confirmed_at=_confirmed_at(pile, known, agreed_at) if may_add else None,
        client_since=client_since,
        basis_unknown=_basis_unknown(pile, known, may_add),
        suppresses=suppresses,
    )


def said_at(row: ImportRow, pile: Pile) -> datetime | None:
    """Return when the person of a row agreed, if the row is worth that."""
    if pile is Pile.EVIDENCE:
        return row.opted_in_at or row.confirmed_at
    if pile is Pile.STATED:
        return row.opted_in_at or row.joined_at or row.confirmed_at
    return None


def _suppresses(
    outcome: AddressOutcome, known: Acquaintance, begun_at: datetime
) -> dict[SuppressionReason, datetime]:
    """Return the reasons that are not in force yet, unless lifted since; the latest time counts.

    A time in the future, as a wrong clock writes it, is that of the import.
    """
    found: dict[SuppressionReason, datetime] = {}
    for state, left_at in outcome.refusals.items():
        reason = REASONS[state]
        at = min(left_at or begun_at, begun_at)
        lifted_at = known.lifted.get(reason)
        if reason not in known.suppressed and not (lifted_at and at < lifted_at):
            found[reason] = max(at, found.get(reason, at))
    return {} if SuppressionReason.ERASED in known.suppressed else found


def _grants(known: Acquaintance, covers: frozenset[Scope]) -> tuple[Scope, ...]:
    return tuple(
        scope
        for scope in sorted(covers)
        if scope not in known.consents and not is_among(scope, known.refused)
    )


def _confirmed_at(pile: Pile, known: Acquaintance, at: datetime | None) -> datetime | None:
    """Return when the address counts as confirmed.

    Confirming the address of a person who has filled in a form here would start a series.
    """
    asked_here = known.person is not None and known.came_by_form
    return at if pile is Pile.EVIDENCE and not (known.confirmed_at or asked_here) else None


def _client_since(
    outcome: AddressOutcome, known: Acquaintance, statement: Statement, begun_at: datetime
) -> datetime | None:
    """Return since when a client may be emailed on that basis.

    A person who was a client here before may have objected, and one who refused the news has.
    """
    if outcome.sorted.pile is not Pile.CLIENT or known.was_client:
        return None
    if is_among(_NEWS, known.refused):
        return None
    bought_at = outcome.row.bought_at
    if bought_at is not None and is_plausible(bought_at, begun_at):
        return min(bought_at, begun_at)
    day = statement.since
    return datetime.combine(day, time(), _LONDON).astimezone(UTC) if day else begun_at


def _basis_unknown(pile: Pile, known: Acquaintance, may_add: bool) -> bool | None:
    if known.person is None:
        return True if pile is Pile.UNKNOWN and may_add else None
    shown = pile in (Pile.EVIDENCE, Pile.STATED, Pile.CLIENT)
    return False if known.basis_unknown and shown and may_add else None


def _fills(row: ImportRow, known: Acquaintance) -> dict[str, str]:
    names: dict[str, str] = {}
    if not (known.first_name or known.last_name):
        names = {"first_name": first_name_in(row.first_name), "last_name": row.last_name}
    if not known.phone:
        names["phone"] = row.phone
    return {name: text for name, text in names.items() if text}
