"""Text files come back as they were written, and one broken row costs no other."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture.sheets.cells import clean
from nurture.sheets.delimited import SEPARATORS, split
from nurture.sheets.limits import LONGEST_CELL, MOST_COLUMNS, SheetError
from tests.sheets.files import only_sheet, rows_of, table, written

#: Letters that every encoding of the tests has, and everything that means something in a CSV file.
CELLS = st.text(alphabet="abcXYZéüß019 ,;|\t\"'\n.-", max_size=12)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252")


@given(
    cells=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8),
    delimiter=st.sampled_from(SEPARATORS),
    encoding=st.sampled_from(ENCODINGS),
)
@example([("é", "ü"), ('"', ",;|")], ";", "cp1252")
def test_any_table_comes_back_whatever_its_separator_and_encoding(
    cells: list[tuple[str, str]], delimiter: str, encoding: str
) -> None:
    people = [[a, f"person{n}@example.org", b] for n, (a, b) in enumerate(cells)]
    text = table([["First name", "E-mail", "Note"], *people], delimiter)
    with TemporaryDirectory() as folder:
        path = written(Path(folder), "list.csv", text, encoding)
        sheet = only_sheet(path)
        sample = [one.cells for one in sheet.sample(100)]
        found = [row.address for row in sheet.rows(sheet.reading)]
        delimiter_found = sheet.reading.delimiter
    assert delimiter_found == delimiter
    assert [row[1] for row in sample] == found == [person[1] for person in people]
    told = [[clean(cell) for cell in person] for person in people]
    assert encoding == "cp1252" or sample == told


@given(st.text(alphabet='a,"\n\r;', max_size=60))
def test_no_arrangement_of_quotation_marks_breaks_the_reading(text: str) -> None:
    lines = text.splitlines(keepends=True)
    records = list(split(lines, ","))
    assert all(1 <= record.line <= len(lines) for record in records)
    assert [record.line for record in records] == sorted({record.line for record in records})


@given(st.integers(0, 3), st.sampled_from(['"', '"a', 'a"b"', '""a', '"a" b']))
def test_a_broken_quotation_costs_only_its_own_row(place: int, broken: str) -> None:
    names = ["Ann", "Bob", "Cy", "Di"]
    names[place] = broken
    lines = [f"{n}@example.org,{name},x\n" for n, name in enumerate(names)]
    records = list(split(lines, ","))
    assert [record.cells[0] for record in records] == [f"{n}@example.org" for n in range(4)]
    assert [bool(record.problem) for record in records].count(True) <= 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(end: str, tmp_path: Path) -> None:
    path = written(
        tmp_path, "list.csv", end.join(["Email,Name", "a@example.org,Ann", "", "b@x.org"])
    )
    assert [(row.line, row.address) for row in rows_of(path)] == [
        (2, "a@example.org"),
        (4, "b@x.org"),
    ]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("sep=;\nE-mail;Name\na@example.org;Ann\n", 3),
        ("My people,,\n,,\nList of 2019\nE-mail,Name,\na@example.org,Ann,\n", 5),
        ("a@example.org\nb@example.org\n", 1),
        ("Ann,Other,a@example.org\n", 1),
        ("a@example.org", 1),
        ("Who,Where to\nAnn,a@example.org\n", 2),
    ],
)
def test_the_header_is_found_wherever_it_stands(text: str, first: int, tmp_path: Path) -> None:
    row = rows_of(written(tmp_path, "list.csv", text))[0]
    assert (row.line, row.address) == (first, "a@example.org")


def test_without_a_header_the_contents_say_what_the_columns_are(tmp_path: Path) -> None:
    text = "Ann;Other;a@example.org;+44 20 7183 1164;25/12/2019\n"
    [row] = rows_of(written(tmp_path, "list.txt", text))
    assert (row.first_name, row.last_name, row.phone) == ("Ann", "Other", "+44 20 7183 1164")
    assert row.joined_at is not None


def test_a_header_that_is_repeated_and_rows_of_other_lengths_do_no_harm(tmp_path: Path) -> None:
    text = "Email,Name\na@example.org\nEmail,Name\nb@example.org,Bob,more,and more\n , \n"
    addresses = [row.address for row in rows_of(written(tmp_path, "list.csv", text))]
    assert addresses == ["a@example.org", "b@example.org"]


def test_a_cell_of_megabytes_and_nulls_do_no_harm(tmp_path: Path) -> None:
    text = f'Email,Note\na@example.org,"{"x" * 5_000_000}"\nb@exam\0ple.org,y\n'
    first, second = rows_of(written(tmp_path, "list.csv", text))
    assert (first.address, second.address) == ("a@example.org", "b@example.org")
    assert first.problems
    assert len(only_sheet(tmp_path / "list.csv").sample(1)[0].cells[1]) <= LONGEST_CELL


def test_a_list_of_ten_thousand_columns_is_refused(tmp_path: Path) -> None:
    wide = ",".join(f"c{n}" for n in range(10_000))
    path = written(tmp_path, "list.csv", f"Email,{wide}\na@example.org\n")
    with pytest.raises(SheetError, match=f"up to {MOST_COLUMNS} are read"):
        _ = only_sheet(path).reading


def test_invisible_signs_and_blanks_around_cells_are_taken_off(tmp_path: Path) -> None:
    text = "Email,First name\n\u200b a@example.org\u00a0,\u202a Ann \u202c\n"
    [row] = rows_of(written(tmp_path, "list.csv", text))
    assert (row.email, row.first_name) == ("a@example.org", "Ann")
