"""Text files with a separator between cells, read one record at a time.

The format is that of RFC 4180, and files break it: a quotation mark stands alone, rows are shorter
than others, the separator is the country's. A row that breaks the rules is read without them, and
costs no other row anything.
"""

import csv
import re
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from typing import IO

from nurture.sheets.addresses import is_address
from nurture.sheets.limits import LONGEST_CELL, LONGEST_LINE, MOST_LINES_OF_A_ROW
from nurture.sheets.table import SheetRecord

#: Opens the bytes of a file again, at their beginning.
Opener = Callable[[], AbstractContextManager[IO[bytes]]]

SEPARATORS = (",", ";", "\t", "|")

#: The first line by which Excel names the separator of the others.
_NAMES_SEPARATOR = re.compile(r'"?sep=(.)"?[,;\t|"]*\s*', re.IGNORECASE)

#: Lines, and characters of each, by which a separator is guessed.
_SAMPLE, LONGEST_SAMPLED = 200, 5_000

#: Of two separators that give the same addresses, the one that gives rows of one length is right.
_EVENNESS_COUNTS = 0.5

_BROKEN = "The quotation marks in this row do not match, so that its cells may be wrong."
_CUT = "A cell of this row is longer than any spreadsheet allows, and was cut."


class _TooLongError(Exception):
    """A row that has gone on for more lines than any row has: a quotation mark is missing."""


class _SwallowedError(Exception):
    """A row that has other rows within its quotation marks."""


@dataclass(frozen=True)
class DelimitedTable:
    """A text file whose encoding and separator are known."""

    opener: Opener
    encoding: str
    delimiter: str

    def records(self) -> Iterator[SheetRecord]:
        """Yield the records of the file, reading it line by line."""
        with self.opener() as raw, closing(lines_of(raw, self.encoding)) as lines:
            yield from split(lines, self.delimiter)


def separator_of(opener: Opener, encoding: str) -> str:
    """Return the separator that a file names, or that makes the best table of its beginning."""
    lines = first_lines(opener, encoding)
    named = _NAMES_SEPARATOR.fullmatch(lines[0]) if lines else None
    if named:
        return named[1]
    return max(SEPARATORS, key=lambda one: _evenness(list(split(lines, one))))


def first_lines(opener: Opener, encoding: str) -> list[str]:
    """Return the beginning of a text, by which guesses are made; long lines are cut."""
    with opener() as raw, closing(lines_of(raw, encoding)) as whole:
        return [line[:LONGEST_SAMPLED] for line in islice(whole, _SAMPLE)]


def _evenness(records: list[SheetRecord]) -> float:
    """Return how much like a table some records are: by their addresses, then by their widths."""
    if not records:
        return 0
    addresses = sum(any(map(is_address, record.cells)) for record in records)
    [(width, often)] = Counter(len(record.cells) for record in records).most_common(1)
    even = often / len(records) if width > 1 else 0
    return addresses / len(records) + _EVENNESS_COUNTS * even


def lines_of(raw: IO[bytes], encoding: str) -> Generator[str, None, None]:
    """Yield the lines of a text, whichever way they end, without nulls and none too long."""
    text = TextIOWrapper(raw, encoding=encoding, errors="replace", newline=None)
    try:
        while line := text.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE and not line.endswith("\n"):
                _finish(text)
                line += "\n"
            yield line.replace("\0", "") if "\0" in line else line
    finally:
        text.detach()


def _finish(text: TextIOWrapper) -> None:
    while (rest := text.readline(LONGEST_LINE)) and not rest.endswith("\n"):
        pass


def split(lines: Iterable[str], delimiter: str) -> Iterator[SheetRecord]:
    """Yield the records of some lines, without empty ones and the line that names a separator."""
    feed, shape = _Feed(lines), _Shape(delimiter)
    reader = csv.reader(feed, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        feed.begin()
        try:
            cells, problem = next(reader), ""
            if feed.is_of_lines and shape.has_swallowed(cells):
                raise _SwallowedError
        except StopIteration:
            return
        except (csv.Error, _TooLongError, _SwallowedError):
            cells, problem = _by_hand(feed.give_back(), delimiter)
            reader = csv.reader(feed, delimiter=delimiter, strict=True, skipinitialspace=True)
        shape.learn(cells)
        if any(map(str.strip, cells)) and not (feed.line == 1 and feed.names_separator):
            yield SheetRecord(feed.line, *_cut(cells, problem))


def _by_hand(line: str, delimiter: str) -> tuple[list[str], str]:
    """Return the cells of one line that breaks the rules of quoting."""
    if '\\"' in line and (cells := _unescaped(line, delimiter)):
        return cells, ""
    if line.count('"') % 2 == 0 and len(line) < LONGEST_CELL:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), []), _BROKEN
    return [cell.strip().strip('"') for cell in line.rstrip("\n").split(delimiter)], _BROKEN


def _unescaped(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line whose quotation marks have a backslash before them, as in PHP."""
    told = csv.reader([line], delimiter=delimiter, escapechar="\\", doublequote=False, strict=True)
    try:
        return next(told, [])
    except csv.Error:
        return []


class _Shape:
    """What the records of a file have in common: how many cells, and where the address stands."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._width, self._place = 0, -1

    def learn(self, cells: Sequence[str]) -> None:
        """Remember the shape of a record; the first one with an address says where it is."""
        if self._place < 0:
            self._place = next((i for i, cell in enumerate(cells) if is_address(cell)), -1)
            self._width = len(cells)

    def has_swallowed(self, cells: Sequence[str]) -> bool:
        """Return whether a line within a cell would be a record itself.

        Then a quotation mark was never closed, and the next one in the file closed it. What stands
        before that one is a part of a record, and the rest of it makes the cells too many or few.
        """
        if self._place < 0 or self._width < 2:
            return False
        width = self._width if len(cells) == self._width else self._place + 1
        return any(
            self._is_record(line, max(width, 2)) for cell in cells for line in cell.split("\n")[1:]
        )

    def _is_record(self, line: str, width: int) -> bool:
        cells = line.split(self._delimiter)
        return len(cells) >= width and is_address(cells[self._place].strip('"'))


def _cut(cells: list[str], problem: str) -> tuple[list[str], str]:
    if max(map(len, cells)) <= LONGEST_CELL:
        return cells, problem
    return [cell[:LONGEST_CELL] for cell in cells], _CUT


class _Feed:
    """Lines on their way to a reader, which can be taken back if they made no record."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._waiting: deque[str] = deque()
        self._taken: list[str] = []
        self.line = 1
        self.names_separator = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= MOST_LINES_OF_A_ROW:
            raise _TooLongError
        line = self._waiting.popleft() if self._waiting else next(self._lines)
        self._taken.append(line)
        return line

    @property
    def is_of_lines(self) -> bool:
        """Whether the last record goes over several lines."""
        return len(self._taken) > 1

    def begin(self) -> None:
        """Begin another record behind the lines of the last one."""
        if self.line == 1 and self._taken:
            self.names_separator = _NAMES_SEPARATOR.fullmatch(self._taken[0]) is not None
        self.line += len(self._taken)
        self._taken.clear()

    def give_back(self) -> str:
        """Return the first line of the record, and let the others be read again."""
        first, *others = self._taken
        self._waiting.extendleft(reversed(others))
        self._taken = [first]
        return first
