"""Turning the records of a sheet into import rows, by a reading of it."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from nurture.domain.imports.row import AddressFault, ImportRow, RowState, overriding
from nurture.domain.subscribers.first_names import first_name_in
from nurture.sheets.addresses import AddressCell, address_in, addresses_in
from nurture.sheets.cells import clean, unguarded
from nurture.sheets.columns import Meaning, words_of
from nurture.sheets.dates import moment_in
from nurture.sheets.limits import MOST_COLUMNS
from nurture.sheets.programs.known import PROGRAMS
from nurture.sheets.programs.own import state_of
from nurture.sheets.programs.words import is_nothing, state_in, yes_or_no
from nurture.sheets.reading import SheetReading
from nurture.sheets.table import Record

_TAGS_APART = re.compile(r"\s*(?:[,;|]|:::)\s*")

#: Columns whose cells become a field of the same name as they stand.
_TEXTS = (
    *(Meaning.FIRST_NAME, Meaning.LAST_NAME, Meaning.PHONE, Meaning.OPTED_IN_IP),
    *(Meaning.CONFIRMED_IP, Meaning.WORDING, Meaning.PAGE_URL, Meaning.FORM, Meaning.TIME_ZONE),
    *(Meaning.BOUGHT, Meaning.LIST_NAME),
)
_MOMENTS = (
    *(Meaning.OPTED_IN_AT, Meaning.CONFIRMED_AT, Meaning.JOINED_AT, Meaning.BOUGHT_AT),
    Meaning.LEFT_AT,
)
#: How much of a cell is quoted in a sentence about it.
_QUOTED = 40


class RowReader:
    """Reads records of one sheet by one reading, the order of whose dates is known."""

    def __init__(self, reading: SheetReading, sheet: str) -> None:
        self._reading, self._sheet = reading, sheet
        self._program = PROGRAMS[reading.program]
        self._columns: dict[Meaning, list[int]] = {}
        for index, meaning in sorted(reading.columns.items()):
            self._columns.setdefault(meaning, []).append(index)
        self._own = reading.program == "own"

    def rows(self, record: Record) -> Iterator[ImportRow]:
        """Yield the row of a record; there are several only if all of a cell's people refused.

        Two addresses in one cell are a mistake of which nothing comes, but a refusal counts.
        """
        row = self.row(record)
        if row.fault is AddressFault.SEVERAL and row.state.is_refusal:
            yield from (_with_address(row, address) for address in addresses_in(row.email))
        else:
            yield row

    def row(self, record: Record) -> ImportRow:
        """Return the row of a record."""
        cells = [unguarded(clean(cell)) for cell in record.cells[:MOST_COLUMNS]]
        problems = [record.problem] if record.problem else []
        texts: dict[str, Any] = {str(each): self._first(cells, each) for each in _TEXTS}
        moments: dict[str, Any] = {
            str(each): self._moment(cells, each, problems) for each in _MOMENTS
        }
        found = self._address(cells)
        self._name(texts, cells, found)
        moments["left_at"] = moments["left_at"] or self._left_otherwise(cells)
        return ImportRow(
            line=record.line,
            sheet=self._sheet,
            email=found.email,
            address=found.address,
            fault=found.fault,
            state=self._state(cells, problems),
            way_out_offered=yes_or_no(self._first(cells, Meaning.WAY_OUT_OFFERED)),
            tags=_tags(self._all(cells, Meaning.TAGS)),
            problems=tuple(problems),
            own=self._own_cells(record) if self._own else None,
            **texts,
            **moments,
        )

    def _all(self, cells: list[str], meaning: Meaning) -> list[str]:
        indices = self._columns.get(meaning, ())
        return [cells[i] for i in indices if i < len(cells) and not is_nothing(cells[i])]

    def _first(self, cells: list[str], meaning: Meaning) -> str:
        return next(iter(self._all(cells, meaning)), "")

    def _address(self, cells: list[str]) -> AddressCell:
        """Return the address of the first column that has one, or else what is wrong there."""
        found = address_in("")
        for cell in self._all(cells, Meaning.EMAIL):
            one = address_in(cell)
            if one.fault is None:
                return one
            found = one if found.fault is AddressFault.MISSING else found
        return found

    def _name(self, texts: dict[str, str], cells: list[str], found: AddressCell) -> None:
        """Put in the names from a full name, where the row has no others."""
        whole = self._first(cells, Meaning.FULL_NAME) or found.name
        if whole and not (texts["first_name"] or texts["last_name"]):
            texts["first_name"], texts["last_name"] = _parted(whole)

    def _moment(self, cells: list[str], meaning: Meaning, problems: list[str]) -> datetime | None:
        """Return the first moment of a meaning; a cell that cannot be read is a problem."""
        for index in self._columns.get(meaning, ()):
            cell = cells[index] if index < len(cells) else ""
            if not cell or is_nothing(cell):
                continue
            day_first = self._reading.day_first.get(index, True)
            if moment := moment_in(cell, day_first=day_first, zone=self._reading.zone):
                return moment
            if yes_or_no(cell) is None:
                problems.append(f"“{cell[:_QUOTED]}” is not a date that can be read.")
        return None

    def _left_otherwise(self, cells: list[str]) -> datetime | None:
        """Return when emails bounced, or when a refusal was given that is told as a date."""
        bounced = self._moment(cells, Meaning.BOUNCED_AT, [])
        zone = self._reading.zone
        refused = (
            moment_in(cell, day_first=True, zone=zone)
            for cell in self._all(cells, Meaning.REFUSES_EMAIL)
        )
        return bounced or next(filter(None, refused), None)

    def _state(self, cells: list[str], problems: list[str]) -> RowState:
        """Return the worst that any column says; the sheet's own state is for rows without one."""
        told = [self._status(cell, problems) for cell in self._all(cells, Meaning.STATE)]
        told += map(_wanting, self._all(cells, Meaning.WANTS_EMAIL))
        if any(yes_or_no(one) is not False for one in self._all(cells, Meaning.LEFT_AT)):
            told.append(RowState.UNSUBSCRIBED)
        if any(yes_or_no(one) is not False for one in self._all(cells, Meaning.BOUNCED_AT)):
            told.append(RowState.BOUNCED)
        told += map(self._refusal, self._refusing(cells))
        if self._own and (suppressed := self._own_cell(cells, "suppressed")):
            told.append(state_of(suppressed))
        return overriding(*told) if told else self._reading.state

    def _status(self, cell: str, problems: list[str]) -> RowState:
        known = self._program.states.get(words_of(cell))
        answer = yes_or_no(cell)
        if known is None and answer is not None:
            return RowState.SUBSCRIBED if answer else RowState.NONSUBSCRIBED
        state = known or state_in(cell)
        if state is RowState.UNREADABLE:
            problems.append(f"“{cell[:_QUOTED]}” is not a status that is known.")
        return state

    def _refusing(self, cells: list[str]) -> Iterator[int]:
        """Yield the columns in which a refusal is marked, by anything but a “no”."""
        for index in self._columns.get(Meaning.REFUSES_EMAIL, ()):
            cell = cells[index] if index < len(cells) else ""
            if not is_nothing(cell) and yes_or_no(cell) is not False:
                yield index

    def _refusal(self, index: int) -> RowState:
        """Return which refusal a column is of, by its name."""
        headers = self._reading.headers
        state = state_in(headers[index]) if index < len(headers) else RowState.UNSUBSCRIBED
        return state if state.is_refusal else RowState.UNSUBSCRIBED

    def _own_cells(self, record: Record) -> Mapping[str, str]:
        """Return the cells of this program's own export as they were before they were guarded."""
        names = self._reading.headers
        return {
            name: unguarded(cell)
            for name, cell in zip(names, record.cells, strict=False)
            if name in self._program.columns or words_of(name) in self._program.columns
        }

    def _own_cell(self, cells: list[str], name: str) -> str:
        return dict(zip(self._reading.headers, cells, strict=False)).get(name, "")


def _wanting(cell: str) -> RowState:
    """Return what an answer about wanting emails means; other words say nothing against it."""
    answer = yes_or_no(cell)
    if answer is None:
        state = state_in(cell)
        return RowState.UNKNOWN if state is RowState.UNREADABLE else state
    return RowState.SUBSCRIBED if answer else RowState.NONSUBSCRIBED


def _parted(whole: str) -> tuple[str, str]:
    """Return the first name and the rest of a full name; all is the rest if it is not clear."""
    if "," in whole:
        last, _, first = whole.partition(",")
        return first.strip(), last.strip()
    first, _, last = whole.partition(" ")
    return (
        (first, last.strip())
        if first_name_in(whole).casefold() == first.casefold()
        else (
            first_name_in(whole),
            whole,
        )
    )


def _tags(cells: list[str]) -> tuple[str, ...]:
    """Return the tags of some cells, once each; Mailchimp puts each in quotation marks."""
    parts = (part.strip(' "*') for cell in cells for part in _TAGS_APART.split(cell))
    return tuple(dict.fromkeys(filter(None, parts)))


def _with_address(row: ImportRow, address: str) -> ImportRow:
    """Return a row for one of several addresses that share a cell, without names."""
    return ImportRow(
        line=row.line,
        sheet=row.sheet,
        email=address,
        address=address,
        state=row.state,
        left_at=row.left_at,
        list_name=row.list_name,
        problems=(*row.problems, "There is more than one address in the cell; all have refused."),
    )
