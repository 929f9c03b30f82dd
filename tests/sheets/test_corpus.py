"""The mailing lists of the corpus are as stated: readable, numerous, and made as they say."""

from collections import Counter
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pytest

from nurture.addresses import plain_mailbox
from tests.sheets.corpus.make import LARGE, made
from tests.sheets.corpus_reading import (
    CORPUS,
    MalformedExpectationError,
    expected_lists,
    read_expectation,
)

LISTS = list(expected_lists())
PEOPLE = [person for _, expectation in LISTS for person in expectation.people]

_KEPT = {
    path.relative_to(CORPUS).as_posix(): path
    for path in CORPUS.glob("*/*")
    if path.suffix not in (".toml", ".pyc")
}


def test_the_corpus_has_enough_lists_people_and_programs() -> None:
    assert len(LISTS) >= 100
    assert len(PEOPLE) >= 350
    assert len({expectation.program for _, expectation in LISTS}) >= 25
    assert sum(expectation.is_refused for _, expectation in LISTS) >= 15


def test_every_pile_is_expected_of_someone_except_what_only_an_owner_states() -> None:
    counted = Counter(person.pile for person in PEOPLE)
    assert counted.keys() == {"evidence", "client", "suppressed", "unknown", "mistakes"}


def test_every_list_has_an_expectation_and_every_expectation_a_list() -> None:
    assert {one.name for one, _ in LISTS} == _KEPT.keys() | LARGE.keys()
    assert not _KEPT.keys() & LARGE.keys()


def test_no_list_that_is_kept_is_large() -> None:
    assert [name for name, path in _KEPT.items() if path.stat().st_size > 50_000] == []


def test_the_lists_that_no_editor_writes_are_as_their_script_makes_them() -> None:
    expected = made()
    kept = {name: _KEPT[name].read_bytes() for name in expected}
    assert {name: _gist(content) for name, content in kept.items()} == {
        name: _gist(content) for name, content in expected.items()
    }


def test_every_expected_address_is_one_that_an_email_can_carry() -> None:
    addresses = [person.address for person in PEOPLE if person.address]
    assert [plain_mailbox(address) for address in addresses] == addresses


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ('pile = "unknown"', "pile ="),
        ('pile = "unknown"', 'pile = "stated"'),
        ('pile = "unknown"', 'pile = "mistakes"'),
        ('first = "Amy"', 'frist = "Amy"'),
        ('first = "Amy"', "first = 1"),
        ('address = "amy@example.org"', 'first = "Amy"'),
        ("people", "refused = true\npeople"),
        ('what = "A list"', 'what = ""'),
        ('known_from = "Made up"', ""),
        ("on = 2024-01-01", "on = 2024-01-01T00:00:00Z"),
    ],
)
def test_an_expectation_that_is_wrong_is_not_read(tmp_path: Path, changed: str, told: str) -> None:
    text = (
        'program = "Hostile"\nwhat = "A list"\nknown_from = "Made up"\npeople = [{ '
        'address = "amy@example.org", pile = "unknown", first = "Amy", on = 2024-01-01 }]\n'
    )
    path = tmp_path / "list.csv.toml"
    path.write_text(text, "utf-8")
    assert read_expectation(path).people[0].first == "Amy"
    path.write_text(text.replace(changed, told, 1), "utf-8")
    with pytest.raises(MalformedExpectationError, match=r"list\.csv\.toml: "):
        read_expectation(path)


def _gist(content: bytes) -> object:
    """Return what an archive holds: how tightly it is packed depends on the machine's zlib."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            return [(one.filename, one.CRC, one.file_size) for one in archive.infolist()]
    except BadZipFile:
        return content
