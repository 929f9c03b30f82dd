"""Taking an import back whole, as long as none of its people has been sent an email since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.domain.errors import NurtureError
from nurture.domain.sequences.enrolment import EndReason, EnrolmentStatus
from nurture.domain.subscribers.consent import UNDONE, ConsentChange, Origin, read_scope
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.catalogue import Catalogue, Published
from nurture.services.imports.arrival import mark_of
from nurture.services.subscribers.erasure import empty
from nurture.services.subscribers.machine_files import OwnFiles, follow
from nurture.services.subscribers.suppression import go_on, reword_what_ended
from nurture.store import personal
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.queries.moves import arrivals
from nurture.store.tables import enrolments, imports
from nurture.store.tables.consents import BroughtConsents, record_brought
from nurture.store.tables.erasures import list_erasures
from nurture.store.tables.imports import BroughtPerson, Import
from nurture.store.tables.subscribers import as_consents, find_subscriber
from nurture.store.tables.suppressions import take_back

#: How many people are taken back in one transaction.
_CHUNK = 500


class NoImportError(NurtureError):
    """There is no import with that number."""


class CannotUndoError(NurtureError):
    """An import that cannot be taken back any more."""


@dataclass(frozen=True, slots=True)
class Undone:
    """How many people were removed, put back as they were, and kept as they are."""

    removed: int
    restored: int
    kept: int


def undo(
    database: Database, catalogue: Catalogue, files: OwnFiles, number: int, now: datetime
) -> Undone:
    """Remove the people that an import added, and put back what it changed about others.

    People who have since filled in a form, decided something or come with another list stay,
    without what the import brought. It goes on where it stopped. May raise this module's errors.
    """
    one = _close(database, number, now)
    removed = restored = kept = after = 0
    while True:
        with database.writing() as connection:
            imports.find_import(connection, number, lock=True)
            chunk = imports.still_to_undo(connection, number, after, _CHUNK)
            gone, back = _take_back(connection, catalogue, one, chunk, now)
            if len(chunk) < _CHUNK:
                imports.change_import(connection, number, undone_at=now)
            list_erasures(connection, gone, now)
        removed, restored = removed + len(gone), restored + back
        kept += len(chunk) - len(gone) - back
        if len(chunk) < _CHUNK:
            break
        after = chunk[-1].person
    follow(database, files, now)
    return Undone(removed, restored, kept)


def find_obstacle(database: Database, one: Import) -> str:
    """Return why an import cannot be taken back, as a sentence; empty if it can."""
    if one.undone_at:
        return "It has been taken back."
    with database.reading() as connection:
        first = imports.first_emailed_at(connection, one.id, one.started_at)
    if first is None:
        return ""
    return (
        f"The first email to its people was made on {first:%-d %B %Y at %H:%M} UTC, and what was "
        "sent cannot be taken back."
    )


def _close(database: Database, number: int, now: datetime) -> Import:
    """Return the import once nothing more can be brought in with it."""
    with database.writing() as connection:
        one = imports.find_import(connection, number, lock=True)
        if one is None:
            raise NoImportError(
                f"There is no import {number}.", remedy="“nurture imports” lists them."
            )
        if one.finished_at is None:
            imports.change_import(connection, number, finished_at=now)
    if obstacle := find_obstacle(database, one):
        raise CannotUndoError(f"Import {number} cannot be taken back. {obstacle}")
    return one


def _take_back(
    connection: Connection,
    catalogue: Catalogue,
    one: Import,
    chunk: Sequence[BroughtPerson],
    now: datetime,
) -> tuple[list[int], int]:
    """Take back what happened to some people; return who was emptied and how many put back.

    Anyone who is being emailed meanwhile keeps everything.
    """
    people = [each.person for each in chunk]
    rows = _hold(connection, people)
    emailed = imports.emailed_among(connection, people, one.started_at)
    able = [each for each in chunk if each.person not in emailed]
    changed = [each for each in able if each.changes or each.added]
    changed = [each for each in changed if each.person in rows]
    added = {each.person: each.changes.get("starts", "") for each in changed if each.added}
    gone = set(added) - arrivals.with_own_standing(connection, one.id, added)
    others = [each for each in changed if each.person not in gone]
    _end_started(connection, others, now)
    # An erasure empties the detail by which the suppressions are found.
    for each in changed:
        _unsuppress(connection, one.id, each, rows[each.person]["address_hash"])
    if gone:
        empty(connection, gone, now)
    _restore(connection, one.id, others, rows, now)
    for each in others:
        _go_on(connection, catalogue.current(connection), each, now)
    imports.mark_undone(connection, [each.id for each in able])
    return sorted(gone), len(others)


def _hold(connection: Connection, people: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Lock these people, as strongly as an erasure does, and return their rows."""
    before = arrivals.find_people_rows(connection, people)
    locks.hold_addresses(connection, (row["address_hash"] for row in before.values()))
    personal.lock_people(connection, people)
    locks.hold(connection, enrolments.of_subscribers(people))
    return arrivals.find_people_rows(connection, people)


def _end_started(connection: Connection, people: Sequence[BroughtPerson], now: datetime) -> None:
    """End the sequences that people began with the import."""
    for one in people:
        sequence = one.changes.get("starts", "")
        found = sequence and enrolments.find_enrolment_in(connection, one.person, sequence)
        if found:
            status, because = EnrolmentStatus.REMOVED, EndReason.TAKEN_OUT
            enrolments.end_enrolments(connection, [found.id], status, now, because)


def _restore(
    connection: Connection,
    number: int,
    people: Sequence[BroughtPerson],
    rows: Mapping[int, Mapping[str, Any]],
    now: datetime,
) -> None:
    where = Origin(f"{UNDONE}:{number}", "")
    values: dict[int, dict[str, Any]] = {}
    brought: list[BroughtConsents] = []
    for one in people:
        row = rows[one.person]
        values[one.person] = _values_before(one, row)
        if withdrawn := _withdrawn(one, row["purposes"]):
            brought.append(BroughtConsents(one.person, withdrawn, where, None))
            consents = as_consents(row["purposes"]).after(withdrawn)
            values[one.person]["purposes"] = arrivals.words_after(row["purposes"], consents)
    record_brought(connection, brought, now)
    arrivals.change_people(connection, {who: own for who, own in values.items() if own})


def _withdrawn(one: BroughtPerson, words: frozenset[str]) -> list[ConsentChange]:
    """Return what takes back the consents that the import brought and that are still there."""
    scopes = filter(None, map(read_scope, one.changes.get("grants", ())))
    present = as_consents(words)
    return [ConsentChange(s.purpose, False, "", s.form) for s in scopes if s in present.scopes]


def _values_before(one: BroughtPerson, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns to put back: those that are still as the import left them."""
    changes = one.changes
    values = {name: "" for name, text in changes.get("fills", {}).items() if row[name] == text}
    before: dict[str, Any] = dict(values)
    if _is_still(row["confirmed_at"], changes.get("confirmed_at")):
        before["confirmed_at"] = None
    if _is_still(row["client_basis_at"], changes.get("client_since")):
        before |= {"client_since": None, "client_basis_at": None}
    unknown = changes.get("basis_unknown")
    if unknown is not None and row["basis_unknown"] == unknown:
        before["basis_unknown"] = not unknown
    return before


def _is_still(present: datetime | None, set_to: str | None) -> bool:
    return present is not None and set_to is not None and present == datetime.fromisoformat(set_to)


def _unsuppress(connection: Connection, number: int, one: BroughtPerson, address_hash: str) -> None:
    for reason, at in one.changes.get("suppresses", {}).items():
        since, mark = datetime.fromisoformat(at), mark_of(number)
        take_back(connection, address_hash, SuppressionReason(reason), since, mark)


def _go_on(connection: Connection, published: Published, one: BroughtPerson, now: datetime) -> None:
    """Let go on what the import ended, unless another reason is left."""
    if not one.changes.get("suppresses"):
        return
    person = find_subscriber(connection, one.person)
    if person and not reword_what_ended(connection, person):
        enrolments.take_up_unsubscribed(connection, person.id, now)
        go_on(connection, published, person.id, now, now)
