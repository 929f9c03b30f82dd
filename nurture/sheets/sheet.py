"""One sheet of a file: how it is read, its first rows to look at, and all its rows."""

from collections.abc import Iterator
from functools import cached_property
from itertools import islice

from nurture.domain.imports.row import ImportRow
from nurture.sheets.addresses import is_address
from nurture.sheets.cells import clean
from nurture.sheets.delimited import DelimitedTable
from nurture.sheets.guess import guess, with_columns, with_day_first
from nurture.sheets.reading import SheetReading
from nurture.sheets.recipients import RecipientTable
from nurture.sheets.rows import RowReader
from nurture.sheets.table import SheetRecord, Table
from nurture.sheets.vcard import CardTable


class Sheet:
    """A table of people in a file; nothing but its first rows is kept in memory of a text."""

    def __init__(self, name: str, table: Table) -> None:
        self.name = name
        self._table = table

    @cached_property
    def reading(self) -> SheetReading:
        """How the sheet is most likely to be read; raises `SheetError` if it cannot be."""
        match self._table:
            case DelimitedTable(encoding=encoding, delimiter=delimiter):
                return guess(self._table, self.name, encoding=encoding, delimiter=delimiter)
            case RecipientTable(encoding=encoding):
                return guess(self._table, self.name, encoding=encoding)
            case CardTable(encoding=encoding):
                return with_columns(
                    self._table, guess(self._table, self.name, encoding=encoding), "cards"
                )
        return guess(self._table, self.name)

    @property
    def has_addresses(self) -> bool:
        """Whether there is any, in a column that is known for them or elsewhere."""
        return self.reading.has_addresses or any(
            any(map(is_address, record.cells)) for record in self._table.records()
        )

    def read_as(self, program: str) -> SheetReading:
        """Return the reading with the columns of another program, a key of `PROGRAMS`."""
        return with_columns(self._table, self.reading, program)

    def rows(self, reading: SheetReading) -> Iterator[ImportRow]:
        """Yield the rows of the sheet by a reading, which an owner may have corrected.

        Records above the header, and the header wherever it is repeated, are left out.
        """
        table = self._by(reading)
        reader = RowReader(with_day_first(reading, table), self.name)
        for record in table.records():
            if not _is_heading(record, reading):
                yield from reader.rows(record)

    def sample(self, count: int = 20) -> list[SheetRecord]:
        """Return the first records below the header, with their cells cleaned."""
        below = (one for one in self._table.records() if not _is_heading(one, self.reading))
        return [
            SheetRecord(one.line, list(map(clean, one.cells)), one.problem)
            for one in islice(below, count)
        ]

    def _by(self, reading: SheetReading) -> Table:
        """Return the table with the encoding and the separator of a reading."""
        match self._table:
            case DelimitedTable(opener=opener) if reading.encoding and reading.delimiter:
                return DelimitedTable(opener, reading.encoding, reading.delimiter)
            case CardTable(opener=opener) if reading.encoding:
                return CardTable(opener, reading.encoding)
            case RecipientTable(opener=opener) if reading.encoding:
                return RecipientTable(opener, reading.encoding)
        return self._table


def _is_heading(record: SheetRecord, reading: SheetReading) -> bool:
    if reading.header_line is None:
        return False
    if record.line <= reading.header_line:
        return True
    first = clean(record.cells[0]) == reading.headers[0]
    return first and tuple(map(clean, record.cells)) == reading.headers
