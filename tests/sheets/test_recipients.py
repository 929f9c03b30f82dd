"""The recipients of an email are people, however many a line has, and a table is no such text."""

from pathlib import Path
from time import process_time

from nurture.sheets.recipients import are_recipients, recipients_in
from tests.sheets.files import rows_of, written


def test_names_and_addresses_are_parted_as_mail_programs_write_them() -> None:
    line = "To: \"Day, Di\" <di@example.org>; 'Al Oz' <al@example.org>, bo@example.org,\n"
    assert recipients_in(line) == [
        ["di@example.org", "Day, Di"],
        ["al@example.org", "Al Oz"],
        ["bo@example.org", ""],
    ]


def test_a_table_is_no_text_of_recipients() -> None:
    assert not are_recipients(["Email,Name\n", "ann@example.org,Ann\n"])
    assert not are_recipients(["ann@example.org,Ann\n"])
    assert not are_recipients(["ann@example.org\n", "bo@example.org\n"])
    assert not are_recipients([])


def test_a_line_of_a_thousand_recipients_loses_nobody(tmp_path: Path) -> None:
    line = "; ".join(f"Ann {n} <a{n}@example.org>" for n in range(1000))
    rows = rows_of(written(tmp_path, "to.txt", line))
    assert [row.address for row in rows] == [f"a{n}@example.org" for n in range(1000)]


def test_a_long_line_of_blanks_takes_no_time() -> None:
    begun = process_time()
    assert recipients_in("a@example.org, x" + " " * 100_000 + "y") is None
    assert process_time() - begun < 1
