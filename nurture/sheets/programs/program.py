"""What is known of one program's export: its columns, its statuses and its clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nurture.domain.imports.row import RowState
from nurture.sheets.columns import Meaning, words_of

LONDON = "Europe/London"


@dataclass(frozen=True)
class ListProgram:
    """One program; names of columns and statuses are written as it exports them.

    It is recognised if all columns of one of its `marks` are there. `zone` is that of times
    without one. With `file_says_state`, the file's name begins with the status of all its rows.
    """

    key: str
    title: str
    marks: tuple[frozenset[str], ...] = ()
    columns: Mapping[str, Meaning] = field(default_factory=dict)
    states: Mapping[str, RowState] = field(default_factory=dict)
    zone: str = LONDON
    file_says_state: bool = False

    def is_of(self, headers: frozenset[str]) -> bool:
        """Return whether a file with these columns, as `words_of` has them, is an export of it."""
        return any(mark <= headers for mark in self.marks)


def marks(*columns: str) -> frozenset[str]:
    """Return a set of columns by which a program is recognised."""
    return frozenset(map(words_of, columns))


def meanings(**columns: str) -> dict[str, Meaning]:
    """Return what columns mean; each meaning with its columns, separated by commas."""
    return {
        words_of(column): Meaning(meaning)
        for meaning, names in columns.items()
        for column in names.split(",")
    }


def statuses(**words: str) -> dict[str, RowState]:
    """Return what statuses mean; each state with the program's words, separated by commas."""
    return {
        words_of(word): RowState(state)
        for state, all_words in words.items()
        for word in all_words.split(",")
    }
