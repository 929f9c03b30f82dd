"""Guessing what columns mean by what stands in them, and checking what their names suggest."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from nurture.domain.imports.row import RowState
from nurture.sheets.addresses import is_address
from nurture.sheets.cells import clean
from nurture.sheets.columns import Meaning
from nurture.sheets.dates import moment_in
from nurture.sheets.programs.program import LONDON, ListProgram
from nurture.sheets.programs.words import answer_in, is_nothing, state_in, yes_or_no
from nurture.sheets.table import SheetRecord

_PHONE = re.compile(r"\+?[\d ()/.-]{8,20}")
_NAME = re.compile(r"[^\W\d_]['’.\w-]*(?: [^\W\d_]['’.\w-]*){0,3}")

#: A column of yes and no has sentences if it has this many words a cell.
_WORDS_OF_A_SENTENCE = 3

Columns = dict[int, Meaning]
_Question = Callable[[str], bool]


def columns_of(records: Sequence[SheetRecord], headers: Sequence[str], known: Columns) -> Columns:
    """Return the columns of a sample, with those added whose contents say what they are.

    Addresses are looked for everywhere, and other things only in columns without a name.
    """
    columns, cells = dict(known), _by_column(records)
    if Meaning.EMAIL not in columns.values():
        columns |= _addresses(cells)
    if headers:
        return columns
    nameless = {index: those for index, those in cells.items() if index not in columns}
    for index, those in nameless.items():
        if (meaning := _meaning(those)) is not None:
            columns[index] = meaning
    return columns | _names({i: those for i, those in nameless.items() if i not in columns})


def doubtful(
    records: Sequence[SheetRecord], columns: Mapping[int, Meaning], program: ListProgram
) -> dict[int, Meaning]:
    """Return what columns mean instead whose contents are not what their names suggest.

    A column called “State” may be of counties, and one called “Consent” of sentences.
    """
    cells = _by_column(records)
    return {
        index: instead
        for index, meaning in columns.items()
        if (instead := _instead(meaning, cells.get(index, []), program)) is not meaning
    }


def _instead(meaning: Meaning, cells: list[str], program: ListProgram) -> Meaning:
    if meaning is Meaning.STATE and program.key == "generic" and _mostly(cells, _is_no_state):
        return Meaning.IGNORED
    if meaning is Meaning.WANTS_EMAIL and _are_no_answers(cells):
        words = sum(len(cell.split()) for cell in cells) / len(cells)
        return Meaning.WORDING if words >= _WORDS_OF_A_SENTENCE else Meaning.IGNORED
    return meaning


def _by_column(records: Sequence[SheetRecord]) -> dict[int, list[str]]:
    columns: dict[int, list[str]] = {}
    for record in records:
        for index, cell in enumerate(record.cells):
            text = clean(cell)
            if text and not is_nothing(text):
                columns.setdefault(index, []).append(text)
    return columns


def _addresses(cells: Mapping[int, list[str]]) -> Columns:
    """Return the column with the most addresses, if there is one with any."""
    counted = {index: sum(map(_has_address, those)) for index, those in cells.items()}
    best = max(counted, key=lambda index: (counted[index], -index), default=None)
    return {best: Meaning.EMAIL} if best is not None and counted[best] else {}


def _has_address(cell: str) -> bool:
    return any(is_address(part.strip("<>()[];,")) for part in cell.split())


def _meaning(cells: list[str]) -> Meaning | None:
    if _mostly(cells, _is_state):
        return Meaning.STATE
    if _mostly(cells, _is_moment):
        return Meaning.JOINED_AT
    return Meaning.PHONE if _mostly(cells, _is_phone) else None


def _names(cells: Mapping[int, list[str]]) -> Columns:
    """Return which nameless columns have names: two of single words, or one of several words."""
    wordy = [i for i, those in sorted(cells.items()) if _mostly(those, _is_name)]
    whole = [i for i in wordy if _mostly(cells[i], lambda cell: " " in cell)]
    if whole:
        return {whole[0]: Meaning.FULL_NAME}
    return dict(zip(wordy[:2], (Meaning.FIRST_NAME, Meaning.LAST_NAME), strict=False))


def _mostly(cells: Iterable[str], is_one: _Question) -> bool:
    answers = list(map(is_one, cells))
    return bool(answers) and sum(answers) * 2 > len(answers)


def _is_state(cell: str) -> bool:
    return state_in(cell) not in (RowState.UNKNOWN, RowState.UNREADABLE)


def _is_no_state(cell: str) -> bool:
    return not _is_state(cell) and yes_or_no(cell) is None


def _are_no_answers(cells: Sequence[str]) -> bool:
    """Return whether cells answer nothing; a sentence that begins with “no” is an answer."""
    return _mostly(cells, _is_no_answer) and not any(answer_in(cell) is False for cell in cells)


def _is_no_answer(cell: str) -> bool:
    brief = len(cell.split()) < _WORDS_OF_A_SENTENCE and answer_in(cell) is not None
    return _is_no_state(cell) and not _is_moment(cell) and not brief


def _is_moment(cell: str) -> bool:
    return not cell.isdecimal() and moment_in(cell, day_first=True, zone=LONDON) is not None


def _is_phone(cell: str) -> bool:
    return _PHONE.fullmatch(cell) is not None


def _is_name(cell: str) -> bool:
    return len(cell) <= 60 and _NAME.fullmatch(cell) is not None
