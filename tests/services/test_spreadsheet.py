"""A spreadsheet shows exported values but never runs them, and they can be read back."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.tracking.verdict import Verdict
from nurture.services.segments import readable_time
from nurture.sheets.cells import guarded, unguarded


@pytest.mark.parametrize("cell", ["=1+1", "+44 20", "-2", "@sum", "\tx", "\rx", "＝1", "'=1"])
def test_a_cell_a_spreadsheet_would_execute_is_defused(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["ann@example.org", "", Verdict.HUMAN, "o'neill", "'tis", "a=b"])
def test_an_ordinary_cell_is_unchanged(cell: str) -> None:
    assert guarded(cell) == unguarded(cell) == cell


@given(st.text(st.sampled_from("'=+-@\t\r\nab,;\"＝"), max_size=6))
def test_every_cell_reads_back_as_it_was(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerow([guarded(cell), "x"])
    [[read, _]] = csv.reader(io.StringIO(written.getvalue(), newline=""))
    assert unguarded(read) == cell
    assert not read.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))


def test_a_time_is_written_in_utc_to_the_second() -> None:
    moment = datetime(2026, 7, 1, 9, 15, 3, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert readable_time(moment) == "2026-07-01 08:15:03"
    assert readable_time(moment.astimezone(UTC)) == "2026-07-01 08:15:03"
