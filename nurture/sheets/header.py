"""Finding the row that names the columns: the first one, one below a title, or none at all."""

from collections.abc import Sequence

from nurture.sheets.addresses import is_address
from nurture.sheets.columns import Meaning, words_of
from nurture.sheets.programs.generic import GENERIC
from nurture.sheets.programs.known import PROGRAMS, program_of
from nurture.sheets.table import SheetRecord

#: A header stands among the first records, or nobody would find it.
_AMONG_FIRST = 20

#: What any known program calls a column of addresses.
_ADDRESSES = frozenset(
    name
    for program in PROGRAMS.values()
    for name, meaning in program.columns.items()
    if meaning is Meaning.EMAIL
)


def header_of(records: Sequence[SheetRecord]) -> SheetRecord | None:
    """Return the record with the names of columns, if one of the first is.

    That is one with the name of a column of addresses, or else the record just above the first
    address if it has several cells, all of them words.
    """
    first = records[:_AMONG_FIRST]
    for record in first:
        if not any(map(is_address, record.cells)) and _names_addresses(record):
            return record
    above = [record for record in _before_addresses(first) if _could_name(record)]
    return above[-1] if above else None


def words_in(record: SheetRecord) -> frozenset[str]:
    """Return the names of a header as they are compared."""
    return frozenset(map(words_of, record.cells)) - {""}


def _names_addresses(record: SheetRecord) -> bool:
    """Return whether one cell is called like addresses; a title of one cell is no header."""
    names = words_in(record)
    return not names.isdisjoint(_ADDRESSES) or program_of(names) is not GENERIC


def _before_addresses(records: Sequence[SheetRecord]) -> Sequence[SheetRecord]:
    for place, record in enumerate(records):
        if any(map(is_address, record.cells)):
            return records[:place]
    return []


def _could_name(record: SheetRecord) -> bool:
    filled = [cell for cell in record.cells if cell.strip()]
    short = all(len(cell) <= 60 and not cell.strip().isdecimal() for cell in filled)
    return short and (len(filled) > 1 or len(record.cells) == 1)
