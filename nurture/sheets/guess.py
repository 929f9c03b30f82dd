"""Guessing how a sheet is to be read, from its name and from going through it once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from nurture.domain.imports.row import RowState
from nurture.sheets.cells import clean
from nurture.sheets.columns import MOMENTS, Meaning, words_of
from nurture.sheets.contents import Columns, columns_of, doubtful
from nurture.sheets.dates import day_comes_first, order_in
from nurture.sheets.header import header_of, words_in
from nurture.sheets.headings import beside, in_groups, kind_of
from nurture.sheets.limits import MOST_COLUMNS, SheetError
from nurture.sheets.programs.generic import GENERIC
from nurture.sheets.programs.known import PROGRAMS, program_of
from nurture.sheets.programs.program import ListProgram
from nurture.sheets.reading import SheetReading
from nurture.sheets.table import SheetRecord, Table

#: Records by which contents are judged.
SAMPLE = 200

#: Words in the name of a file or worksheet that say something about all its people.
_NAMED = {
    RowState.COMPLAINED: "complained complaints spam",
    RowState.UNSUBSCRIBED: "unsubscribed unsubscribes unsubs optout optouts suppressed "
    "suppressions suppression blocklist blacklist abgemeldet desabonnes",
    RowState.CLEANED: "cleaned",
    RowState.BOUNCED: "bounced bounces hardbounces",
    RowState.NONSUBSCRIBED: "nonsubscribed transactional",
    RowState.UNCONFIRMED: "unconfirmed pending",
}


def guess(table: Table, name: str, *, encoding: str = "", delimiter: str = "") -> SheetReading:
    """Return the likeliest reading of a table; raise `SheetError` if it has too many columns."""
    first = list(islice(table.records(), SAMPLE))
    _refuse_wide(first)
    header = header_of(first)
    headers = tuple(map(clean, header.cells)) if header else ()
    program = program_of(words_in(header)) if header else GENERIC
    below = [record for record in first if header is None or record.line > header.line]
    found = SheetReading(
        program=program.key,
        encoding=encoding,
        delimiter=delimiter,
        header_line=header.line if header else None,
        headers=headers,
        columns=_columns(below, headers, program, _above(first, header)),
        state=state_named(name, program),
        zone=program.zone,
    )
    return with_day_first(replace(found, notes=tuple(_notes(found, below))), table)


def with_columns(table: Table, reading: SheetReading, program: str) -> SheetReading:
    """Return a reading by the table of another program, as an owner may choose it."""
    chosen = PROGRAMS[program]
    records = list(islice(table.records(), SAMPLE))
    header = next((one for one in records if one.line == reading.header_line), None)
    first = [one for one in records if _is_below(one, reading)]
    columns = _columns(first, reading.headers, chosen, _above(records, header))
    changed = replace(reading, program=program, columns=columns, zone=chosen.zone, day_first={})
    return with_day_first(changed, table)


def with_day_first(reading: SheetReading, table: Table) -> SheetReading:
    """Return a reading that knows the order of all its dates, with a note where it is in doubt.

    The whole column decides, so the table is gone through once more.
    """
    wanted = [
        index
        for index, meaning in reading.columns.items()
        if meaning in MOMENTS and index not in reading.day_first
    ]
    if not wanted:
        return reading
    columns = _dates(table, reading, wanted)
    order, notes = dict(reading.day_first), list(reading.notes)
    for index, cells in columns.items():
        way, contradicts = day_comes_first(cells)
        order[index] = way is not False
        either = way is None and any(order_in(cell)[1] for cell in cells)
        notes += _doubts(_title(reading, index), contradicts=contradicts, either=either)
    return replace(reading, day_first=order, notes=tuple(notes))


def state_named(name: str, program: ListProgram) -> RowState:
    """Return the state that the name of a file or worksheet gives all its people."""
    words = set(words_of(name).split())
    for state, signs in _NAMED.items():
        if not words.isdisjoint(signs.split()):
            return state
    said = program.file_says_state and "subscribed" in words
    return RowState.SUBSCRIBED if said else RowState.UNKNOWN


def _columns(
    below: Sequence[SheetRecord],
    headers: Sequence[str],
    program: ListProgram,
    above: tuple[str, ...],
) -> Columns:
    named = {
        index: meaning
        for index, header in enumerate(headers)
        if (meaning := _meaning(words_of(header), program)) is not None
    }
    headings = tuple(map(words_of, headers))
    named |= in_groups(above, headings)
    named |= beside(headings, named)
    columns = columns_of(below, headers, named)
    return columns | doubtful(below, columns, program)


def _above(records: Sequence[SheetRecord], header: SheetRecord | None) -> tuple[str, ...]:
    """Return the names of groups of columns, in the row above a header; one alone is a title."""
    if header is None:
        return ()
    rows = [one for one in records if one.line == header.line - 1]
    names = tuple(words_of(clean(cell)) for row in rows for cell in row.cells)
    return names if sum(map(bool, names)) > 1 else ()


def _meaning(header: str, program: ListProgram) -> Meaning | None:
    known = program.columns.get(header) or GENERIC.columns.get(header)
    return known or (kind_of(header) if header else None)


def _dates(table: Table, reading: SheetReading, wanted: Sequence[int]) -> dict[int, frozenset[str]]:
    """Return the dates of some columns; of those that are alike in what they tell, one each."""
    telling: dict[int, dict[tuple[bool | None, bool], str]] = {index: {} for index in wanted}
    for record in table.records():
        for index in wanted:
            cell = record.cells[index] if index < len(record.cells) else ""
            if cell and _is_below(record, reading):
                text = clean(cell)
                telling[index].setdefault(order_in(text), text)
    return {index: frozenset(kinds.values()) for index, kinds in telling.items()}


def _doubts(title: str, *, contradicts: bool, either: bool) -> Iterator[str]:
    if contradicts:
        yield (
            f"Some dates under “{title}” have the day first and some the month; the day is taken "
            "to come first, and the others are left out."
        )
    if either:
        yield (
            f"The dates under “{title}” could have the day or the month first; the day is taken "
            "to come first."
        )


def _notes(reading: SheetReading, below: Sequence[SheetRecord]) -> Iterator[str]:
    if not reading.has_addresses:
        yield "No column with addresses was found."
    if reading.header_line is None and below:
        yield "No row names the columns; they are guessed from what stands in them."
    for index, meaning in reading.columns.items():
        title = _title(reading, index)
        suggested = _meaning(words_of(title), PROGRAMS[reading.program])
        if meaning is Meaning.IGNORED and suggested not in (None, Meaning.IGNORED):
            yield f"“{title}” has no words that are known, and is left out."
    if PROGRAMS[reading.program].file_says_state and reading.state is RowState.UNKNOWN:
        yield (
            "This program writes a file for each status. The name of this one does not say which "
            "it is; unsubscribed people are noticed only by the time at which they left."
        )


def _title(reading: SheetReading, index: int) -> str:
    header = reading.headers[index] if index < len(reading.headers) else ""
    return header or f"column {index + 1}"


def _is_below(record: SheetRecord, reading: SheetReading) -> bool:
    return reading.header_line is None or record.line > reading.header_line


def _refuse_wide(records: Sequence[SheetRecord]) -> None:
    width = max((len(record.cells) for record in records), default=0)
    if width > MOST_COLUMNS:
        raise SheetError(
            f"The list has {width:,} columns; up to {MOST_COLUMNS} are read.",
            remedy="Remove the columns that are not needed.",
        )
