"""Dates are read whichever way they are written, and the column decides which comes first."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.sheets.dates import day_comes_first, moment_in, order_in
from tests.sheets.files import only_sheet, rows_of, written


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2019-03-04 10:11:12", datetime(2019, 3, 4, 10, 11, 12, tzinfo=UTC)),
        ("2019-03-04T10:11:12Z", datetime(2019, 3, 4, 10, 11, 12, tzinfo=UTC)),
        ("2019-03-04T10:11:12.5+02:00", datetime(2019, 3, 4, 8, 11, 12, 500_000, tzinfo=UTC)),
        ("2019-03-04 10:11:12 UTC", datetime(2019, 3, 4, 10, 11, 12, tzinfo=UTC)),
        ("04/03/2019", datetime(2019, 3, 4, tzinfo=UTC)),
        ("4.3.19", datetime(2019, 3, 4, tzinfo=UTC)),
        ("4 Mar 2019", datetime(2019, 3, 4, tzinfo=UTC)),
        ("4-Mar-19", datetime(2019, 3, 4, tzinfo=UTC)),
        ("4. März 2019", datetime(2019, 3, 4, tzinfo=UTC)),
        ("4 août 2019", datetime(2019, 8, 3, 23, tzinfo=UTC)),
        ("4 de marzo de 2019", datetime(2019, 3, 4, tzinfo=UTC)),
        ("4 maart 2019", datetime(2019, 3, 4, tzinfo=UTC)),
        ("March 4th, 2019 at 5:06 pm", datetime(2019, 3, 4, 17, 6, tzinfo=UTC)),
        ("Mon, 4 Mar 2019 10:11:12 +0000", datetime(2019, 3, 4, 10, 11, 12, tzinfo=UTC)),
        ("4/3/2019 12:06 AM", datetime(2019, 3, 4, 0, 6, tzinfo=UTC)),
        ("43528", datetime(2019, 3, 4, tzinfo=UTC)),
        ("43528.5", datetime(2019, 3, 4, 12, tzinfo=UTC)),
        ("1551695531", datetime(2019, 3, 4, 10, 32, 11, tzinfo=UTC)),
        ("2019-07-04 10:00", datetime(2019, 7, 4, 9, tzinfo=UTC)),
    ],
)
def test_a_date_is_read_as_the_owner_of_a_practice_in_the_uk_would(
    cell: str, moment: datetime
) -> None:
    assert moment_in(cell, day_first=True, zone="Europe/London") == moment


@pytest.mark.parametrize(
    "cell",
    ["31/02/2019", "yesterday", "2019", "13:00", "12/31/2019", "", "5/5", "25/12/2019 25:00"],
)
def test_what_is_no_date_is_none(cell: str) -> None:
    assert moment_in(cell, day_first=True, zone="Europe/London") is None


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_any_moment_comes_back_in_any_way_of_writing(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    ways = ("%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d %b %Y %H:%M:%S", "%d-%B-%Y, %H.%M.%S")
    read = [moment_in(whole.strftime(way), day_first=True, zone="UTC") for way in ways]
    american = moment_in(whole.strftime("%m/%d/%Y %I:%M:%S %p"), day_first=False, zone="UTC")
    assert [*read, american] == [whole] * 5


@given(st.text())
def test_no_text_breaks_the_reading_of_dates(text: str) -> None:
    for day_first in (True, False):
        moment = moment_in(text, day_first=day_first, zone="Europe/London")
        assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("cells", "way"),
    [
        (("01/02/2019", "31/01/2019"), (True, False)),
        (("01/02/2019", "01/31/2019"), (False, False)),
        (("01/02/2019",), (None, False)),
        (("31/01/2019", "01/31/2019"), (True, True)),
        (("31.01.2019",), (None, False)),
    ],
)
def test_one_date_of_a_column_decides_for_all(
    cells: tuple[str, ...], way: tuple[bool | None, bool]
) -> None:
    assert day_comes_first(cells) == way


def test_a_date_with_one_number_twice_is_not_in_doubt() -> None:
    assert order_in("03/04/2019") == (None, True)
    assert order_in("04/04/2019") == (None, False)


def test_a_column_with_one_american_date_is_american(tmp_path: Path) -> None:
    text = "Email,Opt-in date\na@example.org,3/4/2019 5:06 PM\nb@example.org,12/31/2019 5:06 PM\n"
    path = written(tmp_path, "list.csv", text)
    first, _ = rows_of(path)
    assert first.opted_in_at == datetime(2019, 3, 4, 17, 6, tzinfo=UTC)
    assert only_sheet(path).reading.notes == ()


def test_a_column_in_doubt_is_taken_day_first_and_the_owner_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "list.csv", "Email,Opt-in date\na@example.org,3/4/2019\n")
    sheet = only_sheet(path)
    [note] = sheet.reading.notes
    assert "day or the month first" in note
    assert [row.opted_in_at for row in sheet.rows(sheet.reading)] == [
        datetime(2019, 4, 2, 23, tzinfo=UTC)
    ]


def test_the_date_that_decides_may_be_the_last_of_many(tmp_path: Path) -> None:
    many = "".join(f"a{n}@example.org,3/4/2019\n" for n in range(1000))
    path = written(tmp_path, "list.csv", f"Email,Joined\n{many}z@example.org,12/31/2019\n")
    assert rows_of(path)[0].joined_at == datetime(2019, 3, 4, tzinfo=UTC)


def test_a_date_that_cannot_be_read_is_told_and_costs_nothing_else(tmp_path: Path) -> None:
    [row] = rows_of(written(tmp_path, "list.csv", "Email,Joined\na@example.org,31/02/2019\n"))
    assert (row.address, row.joined_at) == ("a@example.org", None)
    assert row.problems == ("“31/02/2019” is not a date that can be read.",)
