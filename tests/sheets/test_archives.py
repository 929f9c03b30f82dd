"""An archive that is not to be trusted is refused before anything is read from it."""

import struct
from pathlib import Path
from zipfile import ZIP_BZIP2, ZipFile

import pytest

from nurture.sheets import archive as archives
from nurture.sheets.limits import MOST_MEMBERS, SheetError
from nurture.sheets.upload import open_sheets
from tests.sheets.files import archive, link, rows_of, workbook, worksheet, written

LIST = "Email,Name\na@example.org,Ann\n"


def refusal(path: Path) -> SheetError:
    """Return the error with which a file is refused, however late."""
    with pytest.raises(SheetError) as caught:
        rows_of(path)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    "name", ["../list.csv", "/etc/list.csv", "a/../../list.csv", "..\\list.csv", "C:\\list.csv"]
)
def test_a_file_for_another_folder_is_refused(name: str, tmp_path: Path) -> None:
    assert "another folder" in refusal(archive(tmp_path, "a.zip", {name: LIST})).message


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipFile(path, "w") as packed:
        packed.writestr(link("list.csv"), "/etc/passwd")
    assert "a link" in refusal(path).message


def test_an_archive_within_an_archive_is_refused(tmp_path: Path) -> None:
    inner = archive(tmp_path, "inner.zip", {"list.csv": LIST}).read_bytes()
    for name in ("inner.zip", "list.csv"):
        outer = archive(tmp_path, "outer.zip", {"a.csv": LIST, name: inner})
        assert "within the archive" in refusal(outer).message


def test_a_bomb_is_refused_unread(tmp_path: Path) -> None:
    path = archive(tmp_path, "a.zip", {"list.csv": b"a,b\n" * 5_000_000})
    assert path.stat().st_size < 100_000
    assert "packed more tightly" in refusal(path).message


def test_files_of_which_each_would_pass_are_refused_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "LARGEST_FILE", 10 * len(LIST))
    few = archive(tmp_path, "few.zip", {f"{n}.csv": LIST for n in range(10)})
    many = archive(tmp_path, "many.zip", {f"{n}.csv": LIST for n in range(11)})
    assert len(rows_of(few)) == 10
    assert "megabytes" in refusal(many).message


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    many = {f"{n}.csv": LIST for n in range(MOST_MEMBERS + 1)}
    assert f"up to {MOST_MEMBERS}" in refusal(archive(tmp_path, "a.zip", many)).message


def test_a_locked_archive_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = archive(tmp_path, "a.zip", {"list.csv": LIST})
    content = bytearray(path.read_bytes())
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(sign) + place
        content[at : at + 2] = struct.pack("<H", 1)
    path.write_bytes(content)
    assert "password" in refusal(path).message


def test_an_archive_that_is_damaged_or_packed_otherwise_is_refused(tmp_path: Path) -> None:
    whole = archive(tmp_path, "a.zip", {"list.csv": LIST * 1000}).read_bytes()
    half = written(tmp_path, "half.zip", whole[: len(whole) // 2])
    flipped = written(tmp_path, "flipped.zip", whole[:60] + b"\xff" * 20 + whole[80:])
    assert "damaged" in refusal(half).message
    assert "damaged" in refusal(flipped).message
    other = tmp_path / "other.zip"
    with ZipFile(other, "w", ZIP_BZIP2) as packed:
        packed.writestr("list.csv", LIST)
    assert "packed in a way" in refusal(other).message


def test_an_archive_without_a_list_is_refused(tmp_path: Path) -> None:
    assert "no list" in refusal(archive(tmp_path, "a.zip", {"a.png": b"\x89PNG"})).message
    assert "no list" in refusal(archive(tmp_path, "b.zip", {})).message


def test_lists_and_workbooks_in_folders_are_read_and_litter_is_left(tmp_path: Path) -> None:
    book = workbook(tmp_path, "b.xlsx", {"People": worksheet([["Email"], ["b@example.org"]])})
    path = archive(
        tmp_path,
        "a.zip",
        {
            "export/list.csv": LIST,
            "export/b.xlsx": book.read_bytes(),
            "__MACOSX/export/._list.csv": b"\0\5\x16\7",
            "read me.pdf": b"%PDF",
        },
    )
    assert [(row.sheet, row.address) for row in rows_of(path)] == [
        ("list.csv", "a@example.org"),
        ("b.xlsx: People", "b@example.org"),
    ]


def test_nothing_is_written_to_disk(tmp_path: Path) -> None:
    path = archive(tmp_path, "a.zip", {"list.csv": LIST, "other/list.csv": LIST})
    assert len(rows_of(path)) == 2
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"\n<html><table><tr><td>a@example.org</td></tr></table></html>", "web page"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "before 2007"),
        (b"\x1f\x8b\x08", "gzip"),
    ],
)
def test_what_only_calls_itself_a_list_is_refused(
    content: bytes, said: str, tmp_path: Path
) -> None:
    assert said in refusal(written(tmp_path, "list.csv", content)).message


def test_the_name_that_a_file_had_may_be_told(tmp_path: Path) -> None:
    path = written(tmp_path, "upload-17", LIST)
    [sheet] = open_sheets(path, "unsubscribed_export.csv")
    assert sheet.name == "unsubscribed_export.csv"
    [row] = sheet.rows(sheet.reading)
    assert row.state.is_refusal
