"""A reading is a guess that an owner may correct, and a long list costs no memory."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.sheets.columns import Meaning
from nurture.sheets.limits import SheetError
from nurture.sheets.upload import open_sheets
from tests.sheets.files import archive, only_sheet, written

#: A row has about a kilobyte with its texts, so that holding twenty thousand would cost more.
BOUND = 8_000_000


def test_an_owner_may_correct_columns_separator_and_encoding(tmp_path: Path) -> None:
    text = "A;B;C\nLuk\xe1cs;a@example.org;03/04/2019\n"
    sheet = only_sheet(written(tmp_path, "list.csv", text, "cp1252"))
    columns = {0: Meaning.LAST_NAME, 1: Meaning.EMAIL, 2: Meaning.OPTED_IN_AT}
    corrected = replace(sheet.reading, columns=columns, day_first={2: False}, zone="UTC")
    [row] = sheet.rows(corrected)
    assert (row.last_name, row.address) == ("Lukács", "a@example.org")
    assert row.opted_in_at == datetime(2019, 3, 4, tzinfo=UTC)
    [other] = sheet.rows(replace(corrected, encoding="cp852", delimiter=","))
    assert other.address == ""


def test_a_column_that_becomes_one_of_dates_decides_their_order_itself(tmp_path: Path) -> None:
    text = "Email,Thing\na@example.org,03/04/2019\nb@example.org,12/31/2019\n"
    sheet = only_sheet(written(tmp_path, "list.csv", text))
    columns = {0: Meaning.EMAIL, 1: Meaning.JOINED_AT}
    first, _ = sheet.rows(replace(sheet.reading, columns=columns))
    assert first.joined_at == datetime(2019, 3, 4, tzinfo=UTC)


def test_another_program_may_be_chosen(tmp_path: Path) -> None:
    text = "Email,created_at\na@example.org,2019-07-04 10:00:00\n"
    sheet = only_sheet(written(tmp_path, "list.csv", text))
    [by_guess] = sheet.rows(sheet.reading)
    [by_kit] = sheet.rows(sheet.read_as("kit"))
    assert by_guess.joined_at == datetime(2019, 7, 4, 9, tzinfo=UTC)
    assert by_kit.joined_at == datetime(2019, 7, 4, 10, tzinfo=UTC)


def test_a_file_without_addresses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match="no address"):
        open_sheets(written(tmp_path, "list.csv", "a,b\nc,d\n"))


def test_a_sheet_without_addresses_beside_one_with_them_is_told(tmp_path: Path) -> None:
    packed = {"prices.csv": "a,b\nc,d\n", "people.csv": "Email\na@example.org\n"}
    prices, people = open_sheets(archive(tmp_path, "all.zip", packed))
    assert people.reading.has_addresses
    assert not prices.reading.has_addresses
    assert "No column with addresses was found." in prices.reading.notes


@pytest.mark.parametrize("many", [20_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_long_list_is_read_in_bounded_memory(many: int, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    with path.open("w") as file:
        file.write("Email,Name,Opt-in date,Opt-in IP\n")
        file.writelines(f"a{n}@example.org,Ann {n},3/4/2019,203.0.113.7\n" for n in range(many))
    tracemalloc.start()
    try:
        sheet = only_sheet(path)
        count = sum(1 for _ in _only_passing(sheet.rows(sheet.reading)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == many
    assert peak < BOUND


def _only_passing(rows: Iterator[object]) -> Iterator[None]:
    for _ in rows:
        yield None
