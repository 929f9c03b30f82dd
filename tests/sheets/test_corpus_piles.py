"""Every list of the corpus is read as a careful lawyer, who had not seen the reader, expects it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from pathlib import Path, PurePosixPath

import pytest

from nurture.domain.imports.outcomes import AddressOutcome, merge
from nurture.domain.imports.piles import pile_of
from nurture.domain.imports.row import ImportRow
from nurture.domain.imports.statement import NOTHING_SAID
from nurture.domain.subscribers.address import address_key
from nurture.sheets.cells import clean
from nurture.sheets.limits import SheetError
from tests.sheets.corpus_reading import Expectation, ExpectedPerson, ListFile, expected_lists
from tests.sheets.files import NOW, rows_of, written

LISTS = {file.name: (file, expectation) for file, expectation in expected_lists()}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_read_as_its_expectation_says(name: str, tmp_path: Path) -> None:
    file, expectation = LISTS[name]
    assert list(differences(file, expectation, tmp_path)) == []


def differences(file: ListFile, expected: Expectation, folder: Path) -> Iterator[str]:
    """Yield a sentence for everything that is read otherwise than expected."""
    try:
        rows = rows_of(written(folder, PurePosixPath(file.name).name, file.content))
    except SheetError as error:
        if not (expected.is_refused or expected.may_be_refused):
            yield f"refused: {error}"
        return
    if expected.is_refused:
        yield f"read, with {len(rows)} rows"
        return
    outcomes = merge(rows, NOTHING_SAID, NOW)
    for person in expected.people:
        yield from _differences(person, outcomes, rows)
    yield from (f"{key} is nobody's" for key in outcomes if not _is_named(key, expected))


def _is_named(key: str, expected: Expectation) -> bool:
    """Return whether someone is expected; what is written in a row may be two people."""
    people = expected.people
    known = {address_key(person.address) for person in people if person.address}
    return key in known or any(key in (person.written or "").casefold() for person in people)


def _differences(
    person: ExpectedPerson, outcomes: Mapping[str, AddressOutcome], rows: Sequence[ImportRow]
) -> Iterator[str]:
    outcome = outcomes.get(address_key(person.address)) if person.address else None
    piles = {outcome.sorted.pile.value} if outcome else _piles_of_rows(person, rows)
    if not piles <= person.piles:
        yield f"{_title(person)} is {sorted(piles)}, not {sorted(person.piles)} ({person.why})"
    elif outcome:
        yield from _other_names(person, outcome)
        yield from _other_day(person, outcome)


def _piles_of_rows(person: ExpectedPerson, rows: Sequence[ImportRow]) -> set[str]:
    """Return the piles of the rows that say what a person without an address is expected to say."""
    told = clean(person.address or person.written or "").casefold()
    those = [row for row in rows if _says(row, told) or _is_of(person, row)]
    return {pile_of(row, NOTHING_SAID, NOW).pile.value for row in those} or {"omitted"}


def _says(row: ImportRow, told: str) -> bool:
    said = row.email.casefold()
    return bool(told and said) and (told in said or said in told)


def _is_of(person: ExpectedPerson, row: ImportRow) -> bool:
    """Return whether a row without any address has the names that are expected."""
    names = {person.name} if person.name else {f"{person.first or ''} {person.last or ''}".strip()}
    return not row.email and _whole(row) in names


def _other_names(person: ExpectedPerson, outcome: AddressOutcome) -> Iterator[str]:
    row = outcome.name_from
    for expected, found in ((person.first, row.first_name), (person.last, row.last_name)):
        if expected is not None and expected != found:
            yield f"{_title(person)} is called “{found}”, not “{expected}”"
    if person.name is not None and person.name not in _wholes(row):
        yield f"{_title(person)} is called “{_whole(row)}”, not “{person.name}”"


def _wholes(row: ImportRow) -> set[str]:
    """Return the names of a row in both orders; a comma shows that the last one came first."""
    return {_whole(row), f"{row.last_name}, {row.first_name}"}


def _whole(row: ImportRow) -> str:
    return f"{row.first_name} {row.last_name}".strip()


def _other_day(person: ExpectedPerson, outcome: AddressOutcome) -> Iterator[str]:
    """Yield whether the day differs; of someone who may be unknown, none need have been read."""
    moment = outcome.row.opted_in_at
    day = moment and moment.astimezone(UTC).date()
    may_lack = "unknown" in person.piles and day is None
    if person.on is not None and person.on != day and not may_lack:
        yield f"{_title(person)} opted in on {day}, not {person.on}"


def _title(person: ExpectedPerson) -> str:
    return person.address or f"“{person.written}”"
