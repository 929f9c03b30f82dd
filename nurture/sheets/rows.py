"""Turning the records of a sheet into import rows, by a reading of it."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from nurture.domain.imports.row import AddressFault, ImportRow, RowState, overriding
from nurture.domain.subscribers.first_names import first_name_in
from nurture.sheets.addresses import AddressCell, address_in, addresses_in
from nurture.sheets.cells import clean, unguarded
from nurture.sheets.columns import MOMENTS, Meaning, words_of
from nurture.sheets.dates import moment_in
from nurture.sheets.headings import is_vague, names_form, names_other_consent
from nurture.sheets.limits import MOST_COLUMNS
from nurture.sheets.programs.known import PROGRAMS
from nurture.sheets.programs.own import OWN_COLUMNS, state_of
from nurture.sheets.programs.words import (
    NAMES,
    answer_in,
    asks_to_stop,
    denies_refusal,
    is_nothing,
    state_in,
    yes_or_no,
)
from nurture.sheets.reading import SheetReading
from nurture.sheets.table import SheetRecord

_TAGS_APART = re.compile(r"\s*(?:[,;|]|:::)\s*")

#: Columns whose cells become a field of the same name as they stand.
_TEXTS = frozenset(
    (
        *(Meaning.FIRST_NAME, Meaning.LAST_NAME, Meaning.PHONE, Meaning.OPTED_IN_IP),
        *(Meaning.CONFIRMED_IP, Meaning.WORDING, Meaning.PAGE_URL, Meaning.TIME_ZONE),
        *(Meaning.BOUGHT, Meaning.LIST_NAME),
    )
)
_NAMES = frozenset({Meaning.FIRST_NAME, Meaning.LAST_NAME})
_MOMENTS = MOMENTS - {Meaning.BOUNCED_AT}
#: Cells with the index of their column, and those of a record by what they mean.
Cells = Sequence[tuple[int, str]]
Told = dict[Meaning, list[tuple[int, str]]]

#: Columns of remarks, which are searched for refusals even if a program's are ignored.
_NOTES = frozenset(
    {"note", "notes", "comment", "comments", "remark", "remarks", "internal notes", "bemerkung"}
    | {"bemerkungen", "notiz", "notizen", "anmerkung", "anmerkungen", "commentaire", "notas"}
)

#: How much of a cell is quoted in a sentence about it.
_QUOTED = 40


class RowReader:
    """Reads records of one sheet by one reading, the order of whose dates is known."""

    def __init__(self, reading: SheetReading, sheet: str) -> None:
        self._reading, self._sheet = reading, sheet
        self._program = PROGRAMS[reading.program]
        self._columns = [
            (index, meaning)
            for index, meaning in sorted(reading.columns.items())
            if meaning is not Meaning.IGNORED and index < MOST_COLUMNS
        ]
        self._own = reading.program == "own"
        self._lacks = _NAMES - {meaning for _, meaning in self._columns}
        self._read = frozenset(
            index
            for index, meaning in reading.columns.items()
            if meaning is not Meaning.TAGS and words_of(self._heading(index)) not in _NOTES
        )
        self._vague = frozenset(
            index
            for index, meaning in self._columns
            if meaning is Meaning.FORM and is_vague(words_of(self._heading(index)))
        )

    def rows(self, record: SheetRecord) -> Iterator[ImportRow]:
        """Yield the row of a record, and one for each further address of someone who refused.

        Two addresses in one cell are a mistake of which nothing comes, but a refusal counts for
        all that a row has.
        """
        row = self.row(record)
        others = self._others(record, row) if row.state.is_refusal else []
        if row.fault is not AddressFault.SEVERAL or not others:
            yield row
        yield from (_with_address(row, address) for address in others)

    def _others(self, record: SheetRecord, row: ImportRow) -> list[str]:
        """Return the addresses in a record's columns of addresses, without that of its row."""
        cells = self._told(record).get(Meaning.EMAIL, ())
        found = (address for _, cell in cells for address in _all_in(cell))
        return [address for address in dict.fromkeys(found) if address != row.address]

    def row(self, record: SheetRecord) -> ImportRow:
        """Return the row of a record."""
        told = self._told(record)
        problems = [record.problem] if record.problem else []
        texts: dict[str, Any] = {
            each.value: cells[0][1] for each, cells in told.items() if each in _TEXTS
        }
        if form := self._form(told):
            texts["form"] = form
        moments: dict[str, Any] = {
            each.value: self._moment(cells, problems)
            for each, cells in told.items()
            if each in _MOMENTS
        }
        found = _address(told)
        _put_in_names(texts, _first(told, Meaning.FULL_NAME) or found.name, self._lacks)
        state = self._state(told, problems)
        if not state.is_refusal and self._asks_to_stop(record):
            state = RowState.UNSUBSCRIBED
            problems.append("A note or tag in this row asks for no emails.")
        moments["left_at"] = moments.get("left_at") or self._left_otherwise(told)
        return ImportRow(
            line=record.line,
            sheet=self._sheet,
            email=found.email,
            address=found.address,
            fault=found.fault,
            state=state,
            way_out_offered=answer_in(_first(told, Meaning.WAY_OUT_OFFERED)),
            tags=_tags(told.get(Meaning.TAGS, ())),
            problems=tuple(problems),
            own=self._own_cells(record) if self._own else None,
            **texts,
            **moments,
        )

    def _told(self, record: SheetRecord) -> Told:
        """Return the cells of a record that say anything, by what they mean."""
        told: Told = {}
        cells = record.cells
        for index, meaning in self._columns:
            if index < len(cells) and (cell := cells[index]):
                text = unguarded(clean(cell))
                if text and (not is_nothing(text) or (meaning in _NAMES and text in NAMES)):
                    told.setdefault(meaning, []).append((index, text))
        return told

    def _form(self, told: Told) -> str:
        """Return the first form; under a vague heading, one that a cell names as a form.

        A form on which someone consented to a treatment is none.
        """
        cells = [one for one in told.get(Meaning.FORM, ()) if not names_other_consent(one[1])]
        return next((cell for i, cell in cells if i not in self._vague or names_form(cell)), "")

    def _heading(self, index: int) -> str:
        headers = self._reading.headers
        return headers[index] if index < len(headers) else ""

    def _moment(self, cells: Cells, problems: list[str]) -> datetime | None:
        """Return the first moment among some cells; one that cannot be read is a problem."""
        for index, cell in cells:
            day_first = self._reading.day_first.get(index, True)
            if moment := moment_in(cell, day_first=day_first, zone=self._reading.zone):
                return moment
            if yes_or_no(cell) is None:
                problems.append(f"“{cell[:_QUOTED]}” is not a date that can be read.")
        return None

    def _left_otherwise(self, told: Told) -> datetime | None:
        """Return when emails bounced, or when a refusal was given that is told as a date."""
        cells = (*told.get(Meaning.BOUNCED_AT, ()), *told.get(Meaning.REFUSES_EMAIL, ()))
        return self._moment(cells, [])

    def _state(self, told: Told, problems: list[str]) -> RowState:
        """Return the worst that any column says; the sheet's own state is for rows without one.

        A refusal is whatever stands in a column of refusals, unless it is a “no”.
        """
        states = [self._status(cell, problems) for _, cell in told.get(Meaning.STATE, ())]
        states += [_wanting(cell) for _, cell in told.get(Meaning.WANTS_EMAIL, ())]
        states += [
            RowState.NONSUBSCRIBED
            for _, cell in told.get(Meaning.WORDING, ())
            if answer_in(cell) is False
        ]
        refused = [*told.get(Meaning.REFUSES_EMAIL, ()), *told.get(Meaning.LEFT_AT, ())]
        refused += told.get(Meaning.BOUNCED_AT, ())
        states += [self._refusal(index) for index, cell in refused if not denies_refusal(cell)]
        if self._own and (suppressed := self._suppressed(told)):
            states.append(state_of(suppressed))
        return overriding(*states) if states else self._reading.state

    def _status(self, cell: str, problems: list[str]) -> RowState:
        known = self._program.states.get(words_of(cell))
        answer = yes_or_no(cell)
        if known is None and answer is not None:
            return RowState.SUBSCRIBED if answer else RowState.NONSUBSCRIBED
        state = known or state_in(cell)
        if state is RowState.UNREADABLE:
            problems.append(f"“{cell[:_QUOTED]}” is not a status that is known.")
        return state

    def _refusal(self, index: int) -> RowState:
        """Return which refusal a column is of, by its meaning and its name."""
        if self._reading.columns[index] is Meaning.BOUNCED_AT:
            return RowState.BOUNCED
        state = state_in(self._heading(index))
        return state if state.is_refusal else RowState.UNSUBSCRIBED

    def _asks_to_stop(self, record: SheetRecord) -> bool:
        """Return whether a tag, a note or a cell without a known meaning says so in words."""
        if self._own:
            return False
        unread = (cell for index, cell in enumerate(record.cells) if index not in self._read)
        text = "\n".join(cell for cell in unread if len(cell) > 6 and _is_prose(cell))
        return bool(text) and asks_to_stop(text)

    def _own_cells(self, record: SheetRecord) -> Mapping[str, str]:
        """Return the cells of this program's own export as they were before they were guarded."""
        cells = zip(self._reading.headers, record.cells, strict=False)
        return {name: unguarded(cell) for name, cell in cells if name in OWN_COLUMNS}

    def _suppressed(self, told: Told) -> str:
        place = self._reading.headers.index("suppressions")
        return dict(told.get(Meaning.OWN, ())).get(place, "")


def _is_prose(cell: str) -> bool:
    """Return whether a cell is no link and no record of a program, which has its own words."""
    return "://" not in cell and "{" not in cell


def _first(told: Told, meaning: Meaning) -> str:
    cells = told.get(meaning)
    return cells[0][1] if cells else ""


def _address(told: Told) -> AddressCell:
    """Return the address of the first column that has one, or else what is wrong there."""
    cells = [address_in(cell) for _, cell in told.get(Meaning.EMAIL, ())] or [address_in("")]
    return next((one for one in cells if one.fault is None), cells[0])


def _all_in(cell: str) -> list[str]:
    found = address_in(cell)
    return addresses_in(cell) or [found.address] * bool(found.address)


def _put_in_names(texts: dict[str, Any], whole: str, lacks: Set[Meaning]) -> None:
    """Put in the parts of a full name where the row has none, or no column for one of them.

    A “name” beside a last name is the first one, and the other way round.
    """
    first, last = texts.get("first_name", ""), texts.get("last_name", "")
    if not whole or ((first or last) and not lacks):
        return
    if last and not first:
        texts["first_name"] = whole.removesuffix(last).strip(" ,")
    elif first and not last:
        rest = whole.removeprefix(first).strip()
        texts["last_name"] = rest if rest != whole or " " not in whole else _parted(whole)[1]
    elif not first:
        texts["first_name"], texts["last_name"] = _parted(whole)


def _wanting(cell: str) -> RowState:
    """Return what an answer about wanting emails means; other words say nothing against it."""
    answer = answer_in(cell)
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
    greeted = first_name_in(whole)
    return (first, last.strip()) if greeted.casefold() == first.casefold() else (greeted, whole)


def _tags(cells: Cells) -> tuple[str, ...]:
    """Return the tags of some cells, once each; Mailchimp puts each in quotation marks."""
    parts = (part.strip(' "*') for _, cell in cells for part in _TAGS_APART.split(cell))
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
