"""The export of all people: what the command writes, where, and what it says of it."""

import csv
import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nurture.cli import main
from nurture.domain.imports.carried import COLUMNS
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.store.tables.suppressions import suppress
from tests.installation import Installation
from tests.vocabulary import ANN

BOB = "bob@example.org"


def export(home: Installation, *words: str) -> Result:
    """Run the command; return what it said."""
    return CliRunner().invoke(main, ["export", *words], env=home.environment)


@pytest.fixture
def full(sqlite_home: Installation) -> Installation:
    """An installation with two people, and an address of which only the hash is known."""
    sqlite_home.subscribe(ANN, first_name="=Ann")
    sqlite_home.subscribe(BOB)
    stranger = sqlite_home.context.tokens.address_hashes("stranger@example.org")[0]
    with sqlite_home.context.database.writing() as connection:
        suppress(connection, stranger, SuppressionReason.COMPLAINED, sqlite_home.clock.now)
    return sqlite_home


def test_a_spreadsheet_is_written_to_a_private_file(full: Installation, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    said = export(full, "--out", str(file))
    assert said.output.startswith(f"2 people written to {file}.\n1 suppressed addresses")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text(encoding="utf-8")
    assert text.startswith("\ufeff")
    [header, ann, bob, stranger] = csv.reader(text.removeprefix("\ufeff").splitlines())
    assert tuple(header) == COLUMNS
    assert dict(zip(header, ann, strict=True))["first_name"] == "'=Ann"
    assert [row[0] for row in (ann, bob, stranger)] == [ANN, BOB, ""]


def test_documents_are_written_if_the_name_or_the_option_says_so(
    full: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "people.ndjson"
    said = json.loads(export(full, "--out", str(file), "--json").output)
    assert said == {"people": 2, "addresses": 1, "format": "ndjson", "file": str(file)}
    printed = export(full, "--format", "ndjson")
    assert printed.stdout == file.read_text(encoding="utf-8")
    assert printed.stderr.startswith("2 people.")
    [ann, _, stranger] = map(json.loads, printed.stdout.splitlines())
    assert ann["consents"][0]["source"] == "form:pain-guide"
    assert ann["enrolments"][0]["sequence"] == "pain-guide"
    assert stranger["key_mark"] == full.context.tokens.key_mark


def test_a_file_that_cannot_be_written_is_told_in_one_line(
    full: Installation, tmp_path: Path
) -> None:
    refused = export(full, "--out", str(tmp_path / "nowhere" / "people.csv"))
    assert refused.exit_code == 1
    assert "cannot be written" in refused.output
