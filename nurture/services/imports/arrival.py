"""Writing a chunk of people down, in one transaction and in the order of locks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nurture.domain.imports.changes import ImportedChange, decide
from nurture.domain.imports.outcomes import AddressOutcome
from nurture.domain.imports.piles import Pile
from nurture.domain.imports.proof import proof_of, wording_of
from nurture.domain.imports.said import ListSaid
from nurture.domain.reasons import Code, Reason
from nurture.domain.subscribers.address import address_key
from nurture.domain.subscribers.consent import (
    EVIDENCE,
    STATED,
    ConsentChange,
    Evidence,
    Origin,
)
from nurture.services.catalogue import Published
from nurture.services.imports.start import SequenceStart, consents_after, may_start
from nurture.services.subscribers.suppression import end_what_is_under_way
from nurture.store.database import Connection
from nurture.store.queries import locks
from nurture.store.queries.moves.arrivals import (
    MetAddress,
    add_people,
    change_people,
    meet,
    words_after,
)
from nurture.store.tables import enrolments, imports, message_changes
from nurture.store.tables.consents import BroughtConsents, record_brought
from nurture.store.tables.suppressions import suppress_as_elsewhere
from nurture.tokens import Tokens


@dataclass(frozen=True, slots=True)
class ImportTask:
    """What a list is brought in with; `number` is that of the import, or `None` for a rehearsal.

    `begun_at` is when this very file was first brought in.
    """

    number: int | None
    digest: str
    program: str
    said: ListSaid
    begun_at: datetime
    now: datetime
    start: SequenceStart | None = None


@dataclass(slots=True)
class Arrival:
    """One address on its way in: what came, what is known and what changes.

    `person` is the number, once they are written down.
    """

    outcome: AddressOutcome
    met: MetAddress
    change: ImportedChange
    person: int | None
    starts: bool = False

    @property
    def has_changed(self) -> bool:
        """Whether anything changes for them."""
        return self.change.is_any or self.starts


def arrivals_of(
    connection: Connection, task: ImportTask, tokens: Tokens, chunk: Sequence[AddressOutcome]
) -> list[Arrival]:
    """Return what a chunk changes, without changing it; with a number, everyone is locked.

    People that this import has dealt with are left out.
    """
    hashes = {one.row.address: tokens.address_hashes(one.row.address) for one in chunk}
    mailboxes = {one.row.address: tokens.mailbox_hash(one.row.address) for one in chunk}
    met = meet(connection, hashes, task.digest, task.number, mailboxes)
    found = [_arrival(one, met[one.row.address], task) for one in chunk]
    waiting = [one for one in found if not one.met.is_done]
    if start := task.start:
        able = [one for one in waiting if may_start(one.met.known, one.change, start)]
        known = [one.person for one in able if one.person is not None]
        were = enrolments.enrolled_among(connection, known, start.sequence.key)
        for one in able:
            one.starts = one.person not in were
    return waiting


def _arrival(outcome: AddressOutcome, met: MetAddress, task: ImportTask) -> Arrival:
    said = task.said
    change = decide(outcome, met.known, said.covers, said.statement, task.begun_at)
    return Arrival(outcome, met, change, met.known.person)


def write_chunk(
    connection: Connection,
    published: Published,
    task: ImportTask,
    tokens: Tokens,
    chunk: Sequence[AddressOutcome],
) -> int:
    """Write a chunk down, and return how many people begin the sequence.

    What this import has written before is not written again.
    """
    arrivals = arrivals_of(connection, task, tokens, chunk)
    _hold_enrolments(connection, arrivals)
    _add(connection, published, task, arrivals)
    _change_known(connection, arrivals)
    _record_consents(connection, task, arrivals)
    started = _begin(connection, task, arrivals)
    _suppress(connection, task, arrivals)
    _keep_proofs(connection, task, arrivals)
    return started


def _hold_enrolments(connection: Connection, arrivals: Sequence[Arrival]) -> None:
    touched = [
        one.person for one in arrivals if one.person and (one.change.suppresses or one.starts)
    ]
    if touched:
        locks.hold(connection, enrolments.of_subscribers(touched))


def _add(
    connection: Connection, published: Published, task: ImportTask, arrivals: Sequence[Arrival]
) -> None:
    new = [one for one in arrivals if one.change.adds]
    practice_zone = published.practice.time_zone
    rows = [_new_person(one, practice_zone, task.now) for one in new]
    numbers = add_people(connection, rows) if rows else {}
    for one in new:
        one.person = numbers[address_key(one.outcome.row.address)]


def _new_person(arrival: Arrival, practice_zone: str, now: datetime) -> dict[str, Any]:
    """Return the row of a new person; silence counts from the import, whatever the list says."""
    change, row = arrival.change, arrival.outcome.row
    names = {"first_name": "", "last_name": "", "phone": ""} | dict(change.fills)
    return names | {
        "address": row.address,
        "address_key": address_key(row.address),
        "address_hash": arrival.met.address_hash,
        "mailbox_hash": arrival.met.mailbox_hash,
        "time_zone": row.time_zone if _is_zone(row.time_zone) else practice_zone,
        "created_at": now,
        "quiet_since": now,
        "confirmed_at": change.confirmed_at,
        "basis_unknown": bool(change.basis_unknown),
        "client_since": change.client_since,
        "client_basis_at": change.client_since,
        "purposes": words_after(frozenset(), consents_after(arrival.met.known, change)),
    }


def _change_known(connection: Connection, arrivals: Sequence[Arrival]) -> None:
    known = [one for one in arrivals if one.person is not None and not one.change.adds]
    values = {one.person: _values(one) for one in known if one.person is not None}
    change_people(connection, {person: own for person, own in values.items() if own})


def _values(arrival: Arrival) -> dict[str, Any]:
    change = arrival.change
    values: dict[str, Any] = dict(change.fills)
    if change.confirmed_at:
        values["confirmed_at"] = change.confirmed_at
    if change.client_since:
        values |= {"client_since": change.client_since, "client_basis_at": change.client_since}
    if change.basis_unknown is not None:
        values["basis_unknown"] = change.basis_unknown
    if change.grants:
        values["purposes"] = words_after(
            arrival.met.words, consents_after(arrival.met.known, change)
        )
    return values


def _record_consents(connection: Connection, task: ImportTask, arrivals: Sequence[Arrival]) -> None:
    brought = [_brought(one, task) for one in arrivals if one.change.grants]
    record_brought(connection, brought, task.now)


def _brought(arrival: Arrival, task: ImportTask) -> BroughtConsents:
    """Return what is recorded; nobody knows which privacy notice they were shown."""
    row, found, at = arrival.outcome.row, arrival.outcome.sorted, arrival.change.said_at
    assert arrival.person is not None and at is not None  # They are there, and have agreed.
    kind = EVIDENCE if found.pile is Pile.EVIDENCE else STATED
    wording = wording_of(row, found, at, task.said.statement, task.program)
    page = row.page_url or (task.said.statement.where if kind == STATED else "")
    where = Origin(f"{kind}:{task.number}", "", Evidence(page, row.opted_in_ip))
    changes = [
        ConsentChange(scope.purpose, True, wording, scope.form) for scope in arrival.change.grants
    ]
    return BroughtConsents(arrival.person, changes, where, at)


def _begin(connection: Connection, task: ImportTask, arrivals: Sequence[Arrival]) -> int:
    """Let people begin the sequence who may; return how many."""
    start = task.start
    if start is None:
        return 0
    people = [one.person for one in arrivals if one.starts and one.person is not None]
    going_on = [(person, start.sequence.key, start.form) for person in people]
    return len(enrolments.hand_over(connection, going_on, task.now))


def _suppress(connection: Connection, task: ImportTask, arrivals: Sequence[Arrival]) -> None:
    ended = [one for one in arrivals if one.change.suppresses]
    rows = [
        {"address_hash": one.met.address_hash, "reason": reason, "since": at}
        | {"detail": mark_of(task.number)}
        for one in ended
        for reason, at in one.change.suppresses.items()
    ]
    mailboxes = {one.met.address_hash: one.met.mailbox_hash for one in ended}
    suppress_as_elsewhere(connection, rows, mailboxes)
    for one in ended:
        if one.person is not None and not one.change.adds:
            end_what_is_under_way(connection, one.person, one.met.address_hash, task.now)
            why = Reason(Code.ADDRESS_SUPPRESSED)
            message_changes.cancel_open(connection, one.person, why)


def mark_of(number: int | None) -> str:
    """Return the detail of a suppression that an import brought."""
    return f"import {number}"


def _keep_proofs(connection: Connection, task: ImportTask, arrivals: Sequence[Arrival]) -> None:
    """Store what each row proves; of people who came with the same file before it is known."""
    kept = [one for one in arrivals if one.person is not None]
    new = [one for one in kept if one.has_changed or not one.met.known.has_proof]
    imports.add_rows(connection, [_proof(one, task) for one in new])


def _proof(arrival: Arrival, task: ImportTask) -> dict[str, Any]:
    row, found = arrival.outcome.row, arrival.outcome.sorted
    return {
        "import_id": task.number,
        "subscriber_id": arrival.person,
        "pile": found.pile,
        "reason": found.reason,
        "sheet": row.sheet,
        "line": row.line,
        "evidence": proof_of(row),
        "added": arrival.change.adds,
        "has_changed": arrival.has_changed,
        "changes": _changes(arrival, task),
        "undone": False,
    }


def _changes(arrival: Arrival, task: ImportTask) -> dict[str, Any]:
    """Return what is to be taken back if the import is."""
    change = arrival.change
    found: dict[str, Any] = {
        "fills": dict(change.fills),
        "grants": [scope.word for scope in change.grants],
        "confirmed_at": change.confirmed_at.isoformat() if change.confirmed_at else None,
        "client_since": change.client_since.isoformat() if change.client_since else None,
        "basis_unknown": change.basis_unknown,
        "suppresses": {str(why): at.isoformat() for why, at in change.suppresses.items()},
        "starts": task.start.sequence.key if arrival.starts and task.start else "",
    }
    return {name: value for name, value in found.items() if value not in (None, [], {}, "")}


@lru_cache(maxsize=1000)
def _is_zone(name: str) -> bool:
    try:
        return bool(name) and bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
