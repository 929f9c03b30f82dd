"""What every kind of file comes down to: records of cells, to be gone through more than once."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol


class SheetRecord(NamedTuple):
    """One row of cells as they stand in a file, with its line counted from 1.

    `problem` is a sentence if the row could only be read in part.
    """

    line: int
    cells: list[str]
    problem: str = ""


class Table(Protocol):
    """Something with records; each call of `records` begins at the first one."""

    def records(self) -> Iterator[SheetRecord]:
        """Yield all records in order, without empty ones."""
        ...
