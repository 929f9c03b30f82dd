"""A list file as it is brought in: corrected columns, a process apart, and the spool."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.imports.row import AddressFault, ImportRow, RowState
from nurture.sheets.apart import limited, read_apart
from nurture.sheets.limits import MOST_ROWS, SheetError
from nurture.sheets.list_file import ListFile, ListRead
from nurture.sheets.spool import RowSpool, row_from_line, row_to_line

_MOMENTS = st.datetimes(timezones=st.just(UTC)) | st.none()
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ROWS = st.builds(
    ImportRow,
    line=st.integers(1, 10**6),
    sheet=_TEXTS,
    email=_TEXTS,
    address=st.sampled_from(["", "ann@example.org", "Bob@Example.org"]),
    fault=st.sampled_from([None, *AddressFault]),
    first_name=_TEXTS,
    state=st.sampled_from(RowState),
    opted_in_at=_MOMENTS,
    left_at=_MOMENTS,
    bought_at=_MOMENTS,
    wording=_TEXTS,
    way_out_offered=st.sampled_from([None, True, False]),
    tags=st.lists(_TEXTS, max_size=3).map(tuple),
    problems=st.lists(_TEXTS, max_size=2).map(tuple),
    own=st.none() | st.dictionaries(_TEXTS, _TEXTS, max_size=2),
)


@given(ROWS)
def test_a_row_is_the_same_after_it_was_spooled(row: ImportRow) -> None:
    line = row_to_line(row)
    assert row_from_line(line) == row
    assert line.count(b"\n") == 1 and line.endswith(b"\n")


@given(st.lists(ROWS, max_size=30))
def test_the_spool_returns_every_row_and_keeps_an_address_together(rows: list[ImportRow]) -> None:
    spool = RowSpool()
    for row in rows:
        spool.add(row)
    parts = list(spool.parts())
    assert list(spool.parts()) == parts
    spool.close()
    found = [row_to_line(row) for part in parts for row in part]
    assert sorted(found) == sorted(map(row_to_line, rows))
    of_ann = [part for part in parts if any(row.address == "ann@example.org" for row in part)]
    assert len(of_ann) <= 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A list with one column that nobody could guess."""
    path = tmp_path / "guests.csv"
    path.write_text("Mailbox,Came\nann@example.org,2019-05-03\nnone,\n", encoding="utf-8")
    return path


def test_a_column_is_what_the_owner_says(path: Path) -> None:
    [first, _] = ListFile(path, path.name, {"Came": "joined_at"}).rows()
    assert first.joined_at == datetime(2019, 5, 2, 23, tzinfo=UTC)
    [column] = [
        one
        for one in ListFile(path, path.name, {"Came": "ignored"}).description.sheets[0].columns
        if one.name == "Came"
    ]
    assert (column.meaning, column.cells) == ("ignored", ("2019-05-03", ""))


def test_a_column_without_a_name_is_named_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("ann@example.org,2019-05-03\nbob@example.org,2019-05-04\n", encoding="utf-8")
    [first, _] = ListFile(path, path.name, {"column 2": "bought_at"}).rows()
    assert first.bought_at is not None


@pytest.mark.parametrize("columns", [{"Nothing": "email"}, {"Came": "nonsense"}])
def test_an_unknown_column_or_meaning_is_refused(path: Path, columns: dict[str, str]) -> None:
    with pytest.raises(SheetError):
        ListFile(path, path.name, columns)
    with pytest.raises(SheetError), read_apart(path, path.name, columns, ""):
        pass


def test_an_unknown_encoding_is_refused(path: Path) -> None:
    with pytest.raises(SheetError, match="cp1252"):
        ListFile(path, path.name, {}, "nonsense")


def test_a_process_apart_reads_the_same(path: Path) -> None:
    file = ListFile(path, path.name, {"Came": "joined_at"})
    with read_apart(path, path.name, {"Came": "joined_at"}, "") as (read, rows):
        assert read == file.description
        assert [row for row, _ in rows] == list(file.rows())
    assert ListRead.from_values(read.as_values()) == read


def test_a_process_that_dies_is_an_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match="time and memory"), read_apart(tmp_path, "x", {}, ""):
        pass


def test_a_list_with_more_rows_than_anyone_has_is_refused() -> None:
    row = ImportRow(1, "x")
    with pytest.raises(SheetError, match="500,000"):
        for _ in limited(row for _ in range(MOST_ROWS + 1)):
            pass
