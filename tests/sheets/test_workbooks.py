"""Workbooks are read sheet by sheet, and measured before they take memory."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.sheets.limits import SheetError
from nurture.sheets.upload import open_sheets
from tests.sheets.files import archive, document, rows_of, sheet_data, workbook, worksheet

PEOPLE = worksheet(
    [["My list"], [], ["E-mail", "Name", "Opt-in date"], ["a@example.org", "Ann Other", 43528]]
)


def test_a_workbook_is_read_with_its_line_numbers_and_excels_dates(tmp_path: Path) -> None:
    [row] = rows_of(workbook(tmp_path, "list.xlsx", {"People": PEOPLE}))
    assert (row.sheet, row.line, row.address) == ("list.xlsx: People", 4, "a@example.org")
    assert (row.first_name, row.last_name) == ("Ann", "Other")
    assert row.opted_in_at == datetime(2019, 3, 4, tzinfo=UTC)


def test_each_worksheet_with_anything_in_it_is_a_sheet(tmp_path: Path) -> None:
    gone = worksheet([["E-mail"], ["b@example.org"]])
    path = workbook(tmp_path, "l.xlsx", {"P": PEOPLE, "Unsubscribed": gone, "E": worksheet([])})
    assert [(row.address, row.state.is_refusal) for row in rows_of(path)] == [
        ("a@example.org", False),
        ("b@example.org", True),
    ]


def test_a_document_of_libreoffice_is_read(tmp_path: Path) -> None:
    path = document(
        tmp_path,
        "list.ods",
        "<table:table-row><table:table-cell office:value-type='string'><text:p>E-mail</text:p>"
        "</table:table-cell><table:table-cell office:value-type='string'><text:p>Joined</text:p>"
        "</table:table-cell></table:table-row><table:table-row><table:table-cell "
        "office:value-type='string'><text:p>a@example.org</text:p></table:table-cell>"
        "<table:table-cell office:value-type='date' office:date-value='2019-03-04'>"
        "<text:p>04/03/19</text:p></table:table-cell></table:table-row>"
        "<table:table-row table:number-rows-repeated='1048574'><table:table-cell "
        "table:number-columns-repeated='16384'/></table:table-row>",
    )
    [row] = rows_of(path)
    assert (row.address, row.joined_at) == ("a@example.org", datetime(2019, 3, 4, tzinfo=UTC))


CORNERS = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="{}"><v>1</v></c></row>'
NUMBERED = '<row r="1048576">' + "<c><v>1</v></c>" * 20 + "</row>"


@pytest.mark.parametrize(
    "lines", [CORNERS.format("XFD1048576"), CORNERS.format("J1048576"), NUMBERED]
)
def test_cells_far_apart_are_refused_instead_of_filling_the_memory(
    lines: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path, "list.xlsx", {"People": sheet_data(lines)})
    with pytest.raises(SheetError, match="reaches over more than"):
        open_sheets(path)


def test_repeated_cells_of_a_document_are_refused_alike(tmp_path: Path) -> None:
    path = document(
        tmp_path,
        "list.ods",
        "<table:table-row table:number-rows-repeated='1048576'><table:table-cell "
        "office:value-type='string' table:number-columns-repeated='16384'><text:p>x</text:p>"
        "</table:table-cell></table:table-row>",
    )
    with pytest.raises(SheetError, match="reaches over more than"):
        open_sheets(path)


def test_entities_that_grow_are_refused(tmp_path: Path) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>' + PEOPLE.replace("Ann", "&b;")
    with pytest.raises(SheetError, match="declares entities"):
        open_sheets(workbook(tmp_path, "list.xlsx", {"People": laughs}))


def test_a_row_that_only_claims_to_be_far_down_is_read(tmp_path: Path) -> None:
    lines = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>a@example.org</t></is></c></row>'
        '<row r="1048576" ht="15"></row>'
    )
    [row] = rows_of(workbook(tmp_path, "list.xlsx", {"People": sheet_data(lines)}))
    assert row.address == "a@example.org"


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("a.xlsx", {"[Content_Types].xml": "<Types/>"}),
        ("b.xlsx", {"[Content_Types].xml": "<Types>"}),
        ("c.ods", {"mimetype": "x", "content.xml": "<a/>"}),
        ("d.numbers", {"Index/Document.iwa": b"\0"}),
    ],
)
def test_what_is_no_workbook_after_all_is_refused(
    name: str, members: dict[str, str | bytes], tmp_path: Path
) -> None:
    with pytest.raises(SheetError) as caught:
        rows_of(archive(tmp_path, name, members))
    assert caught.value.remedy


def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match="empty"):
        open_sheets(workbook(tmp_path, "list.xlsx", {"People": worksheet([])}))
