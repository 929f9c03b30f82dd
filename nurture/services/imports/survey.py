"""What a list amounts to: how many people lie in which pile, who, and what looks wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nsmallest
from itertools import islice
from typing import Any

from nurture.domain.imports.outcomes import AddressOutcome, merge
from nurture.domain.imports.piles import SENTENCES, Pile, PileReason, Sorted, pile_of
from nurture.domain.imports.row import ImportRow
from nurture.domain.imports.said import ListSaid
from nurture.domain.imports.typos import likely_address
from nurture.services.imports.source import PutAside
from nurture.sheets.list_file import ListRead

#: How many rows are shown: of the whole list, of each pile, of mistakes and of hints.
_FIRST, _OF_EACH, _MISTAKES, _HINTS = 20, 20, 1000, 200

#: How many people are dealt with in one transaction.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class SurveyedRow:
    """One row to show: where it stands, whose it is, and what it is worth."""

    sheet: str
    line: int
    address: str
    name: str
    found: Sorted

    @property
    def place(self) -> tuple[str, int]:
        """What rows are ordered by."""
        return self.sheet, self.line


@dataclass(frozen=True, slots=True)
class RowHint:
    """Something about a row that only the owner can judge; nothing is changed because of it."""

    sheet: str
    line: int
    sentence: str

    @property
    def place(self) -> tuple[str, int]:
        """What hints are ordered by."""
        return self.sheet, self.line


@dataclass
class Survey:
    """What a list amounts to, as far as it has been gone through.

    `piles` counts addresses, and rows that are mistakes. `reasons` counts them by why.
    """

    read: ListRead
    rows: int = 0
    piles: Counter[Pile] = field(default_factory=Counter)
    reasons: Counter[PileReason] = field(default_factory=Counter)
    first: list[SurveyedRow] = field(default_factory=list)
    samples: dict[Pile, list[SurveyedRow]] = field(default_factory=dict)
    mistakes: list[SurveyedRow] = field(default_factory=list)
    hints: list[RowHint] = field(default_factory=list)
    #: Whether a domain looks like a slip, for each that has come up.
    slips: dict[str, bool] = field(default_factory=dict)
    domains: Counter[str] = field(default_factory=Counter)

    @property
    def addresses(self) -> int:
        """How many people there are."""
        return sum(self.piles.values()) - self.piles[Pile.MISTAKES]

    @property
    def counts(self) -> dict[str, int]:
        """The number of each pile, by its name."""
        return {str(pile): self.piles[pile] for pile in Pile}

    @property
    def why(self) -> Mapping[str, int]:
        """How many lie where they do for which reason, as sentences, most first."""
        return {SENTENCES[reason]: count for reason, count in self.reasons.most_common()}

    def mistakes_without_addresses(self, most: int = 200) -> list[list[Any]]:
        """Return sheet, line and reason of the first mistakes."""
        return [[one.sheet, one.line, one.found.sentence] for one in self.mistakes[:most]]


def go_through(
    aside: PutAside, said: ListSaid, now: datetime, survey: Survey
) -> Iterator[Sequence[AddressOutcome]]:
    """Yield the outcomes in chunks, always the same ones, and count them in the survey."""
    outcomes = _outcomes(aside, said, now, survey)
    while chunk := list(islice(outcomes, CHUNK)):
        yield chunk


def _outcomes(
    aside: PutAside, said: ListSaid, now: datetime, survey: Survey
) -> Iterator[AddressOutcome]:
    for part in aside.spool.parts():
        merged = merge(part, said.statement, now)
        _count(survey, part, merged.values(), said, now)
        for key in sorted(merged):
            yield merged[key]


def _count(
    survey: Survey,
    rows: Sequence[ImportRow],
    outcomes: Iterable[AddressOutcome],
    said: ListSaid,
    now: datetime,
) -> None:
    survey.rows += len(rows)
    shown = [_shown(one.row, one.sorted) for one in outcomes]
    survey.piles.update(one.found.pile for one in shown)
    survey.reasons.update(one.found.reason for one in shown)
    mistaken = [row for row in rows if row.fault is not None or not row.address]
    wrong = [_shown(row, pile_of(row, said.statement, now)) for row in mistaken]
    survey.piles[Pile.MISTAKES] += len(wrong)
    survey.reasons.update(one.found.reason for one in wrong)
    survey.mistakes = _first(_MISTAKES, survey.mistakes, wrong)
    survey.first = _first(_FIRST, survey.first, shown, wrong)
    for pile in Pile:
        of_pile = [one for one in shown if one.found.pile is pile]
        survey.samples[pile] = _first(_OF_EACH, survey.samples.get(pile, []), of_pile)
    survey.hints = nsmallest(
        _HINTS, [*survey.hints, *_hints(rows, survey.slips)], key=lambda one: one.place
    )
    survey.domains.update(row.address.rpartition("@")[2] for row in rows if row.address)


def _first(most: int, *lists: Iterable[SurveyedRow]) -> list[SurveyedRow]:
    return nsmallest(most, (one for each in lists for one in each), key=lambda one: one.place)


def _shown(row: ImportRow, found: Sorted) -> SurveyedRow:
    name = " ".join(filter(None, (row.first_name, row.last_name)))
    return SurveyedRow(row.sheet, row.line, row.address or row.email[:80], name, found)


def _hints(rows: Iterable[ImportRow], slips: dict[str, bool]) -> Iterator[RowHint]:
    for row in rows:
        for problem in row.problems:
            yield RowHint(row.sheet, row.line, problem)
        domain = row.address.rpartition("@")[2]
        if domain and domain not in slips:
            slips[domain] = likely_address(row.address) is not None
        if domain and slips[domain]:
            likely = likely_address(row.address)
            yield RowHint(row.sheet, row.line, f"{row.address} may be meant to be {likely}.")
