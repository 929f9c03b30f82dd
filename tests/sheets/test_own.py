"""This program's own export is recognised, and comes back cell for cell."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture.domain.imports.row import RowState
from nurture.sheets.cells import guarded, unguarded
from nurture.sheets.programs.own import OWN_COLUMNS, state_of
from tests.sheets.files import only_sheet, rows_of, table, written


def row(**cells: str) -> list[str]:
    """Return the cells of a row of the export, in order."""
    return [guarded(cells.get(column, "")) for column in OWN_COLUMNS]


def test_the_export_is_recognised_and_its_cells_are_handed_on(tmp_path: Path) -> None:
    ann = row(
        email="=1+1@example.org",
        first_name="Ann",
        phone="+44 20 7946 0000",
        consents='[{"purpose": "series"}]',
        suppressions='[{"reason": "bounced", "since": "2026-01-02T03:04:05+00:00"}]',
    )
    path = written(tmp_path, "export.csv", table([OWN_COLUMNS, ann]))
    assert only_sheet(path).reading.program == "own"
    [found] = rows_of(path)
    assert (found.address, found.phone) == ("=1+1@example.org", "+44 20 7946 0000")
    assert found.state is RowState.BOUNCED
    assert found.own is not None
    assert list(found.own) == list(OWN_COLUMNS)
    assert found.own["email"] == "=1+1@example.org"
    assert found.own["consents"] == '[{"purpose": "series"}]'


def test_every_reason_counts_and_one_that_is_not_known_is_an_opt_out() -> None:
    assert state_of('[{"reason": "bounced"}, {"reason": "complained"}]') is RowState.COMPLAINED
    assert state_of('[{"reason": "something-later"}]') is RowState.UNSUBSCRIBED
    assert state_of("[]") is state_of("") is RowState.UNKNOWN


@pytest.mark.parametrize("cell", ["[", "bounced", "[1]", "[{}]", "7"])
def test_reasons_that_cannot_be_read_count_as_an_opt_out(cell: str) -> None:
    assert state_of(cell) is RowState.UNSUBSCRIBED


@given(st.text(alphabet="'=+-@a 1"))
@example("'=1")
@example("''@")
def test_guarding_a_cell_can_be_undone_and_leaves_no_formula(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert guarded(text)[:1] not in ("=", "+", "-", "@") or not text
