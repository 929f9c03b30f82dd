"""How a sheet is read: what was guessed, which an owner may correct before anything is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nurture.domain.imports.row import RowState
from nurture.sheets.columns import Meaning
from nurture.sheets.programs.program import LONDON


@dataclass(frozen=True)
class SheetReading:
    """One way of reading a sheet; to correct it, replace a field with `dataclasses.replace`.

    `program` is a key of `PROGRAMS`. `encoding` and `delimiter` are empty unless it is a text.
    `header_line` is the line with the names of columns, or `None` if there is none; `headers` are
    these names. `columns` has the meaning of each column by its index, `day_first` the order of
    the dates of those with moments. `state` is that of all rows for which no column says it. Times
    without a zone are read in `zone`. `notes` are sentences for the owner: what is ambiguous.
    """

    program: str = "generic"
    encoding: str = ""
    delimiter: str = ""
    header_line: int | None = None
    headers: tuple[str, ...] = ()
    columns: Mapping[int, Meaning] = field(default_factory=dict)
    day_first: Mapping[int, bool] = field(default_factory=dict)
    state: RowState = RowState.UNKNOWN
    zone: str = LONDON
    notes: tuple[str, ...] = ()

    @property
    def has_addresses(self) -> bool:
        """Whether some column is one of addresses, without which no row is worth anything."""
        return Meaning.EMAIL in self.columns.values()
