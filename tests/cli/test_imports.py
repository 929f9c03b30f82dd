"""The commands that bring a list in, list imports and take them back."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from nurture.cli import main
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation
from tests.lists import agreed, client, left, write_list
from tests.vocabulary import ANN


def nurture(home: Installation, *words: str, typed: str = "") -> Result:
    """Run one of the owner's commands; return its output."""
    return CliRunner().invoke(main, list(words), env=home.environment, input=typed)


def mixed(home: Installation) -> Path:
    """Write a list with someone in every pile but the stated."""
    rows = [agreed(ANN), client("c@example.org"), left("l@example.org"), {"email": "u@gmial.com"}]
    return write_list(home, [*rows, {"email": "none"}])


def test_a_rehearsal_as_json_names_piles_columns_rows_mistakes_and_hints(
    home: Installation,
) -> None:
    done = nurture(home, "import", str(mixed(home)), "--dry-run", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    piles = {"evidence": 1, "stated": 0, "client": 1, "suppressed": 1, "unknown": 1, "mistakes": 1}
    assert (told["piles"], told["changed"], told["import"]) == (piles, 4, None)
    assert told["columns"]["optin time"] == "opted_in_at" and told["program"]
    assert [row["pile"] for row in told["rows"]] == [
        "evidence", "client", "suppressed", "unknown", "mistakes",
    ]  # fmt: skip
    assert told["mistakes"][0]["line"] == 6 and told["mistakes"][0]["reason"]
    assert "u@gmail.com" in told["hints"][0]["hint"] and told["next"]
    assert home.rows(subscribers) == []


def at_a_terminal(home: Installation, *words: str, typed: bytes) -> str:
    """Run a command whose standard input is a terminal; return all it said."""
    ours, theirs = pty.openpty()
    os.write(ours, typed)
    done = subprocess.run(
        [sys.executable, "-m", "nurture", *words],
        env=os.environ | home.environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    return done.stdout.decode()


def test_a_terminal_is_asked_before_anything_is_written(sqlite_home: Installation) -> None:
    home, path = sqlite_home, str(mixed(sqlite_home))
    refused = at_a_terminal(home, "import", path, typed=b"n\n")
    assert "Bring them in?" in refused and "Nothing was written." in refused
    assert home.rows(subscribers) == []
    assert "Import 1: 4 people" in at_a_terminal(home, "import", path, typed=b"y\n")


def test_the_piles_are_printed_with_a_sentence_each_and_a_script_is_not_asked(
    sqlite_home: Installation,
) -> None:
    home, path = sqlite_home, str(mixed(sqlite_home))
    tried = nurture(home, "import", path, "--dry-run")
    assert "The list itself shows when and how they agreed." in tried.output
    assert "line 6: " in tried.output and "Nothing was written." in tried.output
    assert home.rows(subscribers) == []
    done = nurture(home, "import", path, "--covers", "articles")
    assert done.exit_code == 0, done.output
    assert "Import 1: 4 people were added or changed" in done.output
    again = nurture(home, "import", path, "--covers", "articles", "--yes", "--json")
    assert json.loads(again.stdout)["changed"] == 0


def test_imports_are_listed_and_taken_back(home: Installation) -> None:
    assert nurture(home, "imports").output == "No list was brought in.\n"
    nurture(home, "import", str(mixed(home)), "--yes")
    assert "people.csv: 1 evidence, 1 client" in nurture(home, "imports").output
    [one] = json.loads(nurture(home, "imports", "--json").output)
    assert (one["number"], one["changed"], one["undone_at"]) == (1, 4, None)
    assert "4 removed" in nurture(home, "import-undo", "1", "--yes").output
    assert "TAKEN BACK" in nurture(home, "imports").output
    refused = nurture(home, "import-undo", "1", "--yes")
    assert refused.exit_code == 1 and refused.stderr.count("\n") == 1


def test_a_statement_and_corrected_columns_are_given_as_options(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "guests.csv"
    path.write_text("Mailbox;Came\nann@example.org;2019-05-03\n", encoding="cp1252")
    words = ["--wording", "Send me news.", "--where", "https://example.org", "--covers", "news"]
    days = ["--since", "2019-01-01", "--until", "2019-12-31"]
    columns = ["--column", "Came=joined_at", "--column", "Mailbox=email", "--encoding", "cp1252"]
    done = nurture(sqlite_home, "import", str(path), *words, *days, *columns, "--yes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["piles"]["stated"] == 1
    assert sqlite_home.person(ANN)["purposes"] == {"news"}


def test_what_cannot_be_read_or_meant_is_refused_in_one_line(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    home, path = sqlite_home, str(mixed(sqlite_home))
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    wrong = (
        [str(empty)],
        [path, "--covers", "everything"],
        [path, "--column", "optin time=nonsense"],
        [path, "--column", "nothing=email"],
        [path, "--column", "nothing"],
        [path, "--wording", "Yes"],
        [path, "--since", "2019-01-01"],
        [path, "--start", "nothing"],
        [path, "--bought", "a course"],
    )
    done = [nurture(home, "import", *words, "--yes") for words in wrong]
    assert [one.exit_code for one in done] == [1, 1, 1, 1, 2, 1, 1, 1, 1]
    assert {one.stderr.count("\n") for one in done} == {1}
    assert home.rows(subscribers) == []


def test_the_programs_own_export_comes_back_as_it_was(home: Installation, tmp_path: Path) -> None:
    home.subscribe(ANN, first_name="Ann")
    file = tmp_path / "people.ndjson"
    exported = nurture(home, "export", "--format", "ndjson", "--out", str(file))
    assert exported.exit_code == 0, exported.output
    before = home.everything()
    foreseen = json.loads(nurture(home, "import", str(file), "--dry-run", "--json").stdout)
    assert (foreseen["changed"], foreseen["restored"]["unchanged"]) == (0, 1)
    done = nurture(home, "import", str(file), "--yes")
    assert "0 new, 0 changed, 1 as they were" in done.output
    assert home.everything() == before
