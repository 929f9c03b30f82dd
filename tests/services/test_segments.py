"""A segment is counted, listed and exported, and no export runs in a spreadsheet."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from nurture.cli import main
from nurture.domain.audience.conditions import Booked, Not
from nurture.services import segments
from nurture.services.segments import UnknownSegmentError
from nurture.sheets.cells import unguarded
from tests.installation import Installation
from tests.vocabulary import clicks

ANN = "ann@example.org"


def run(home: Installation, *words: str) -> str:
    done = CliRunner(env=dict(home.environment)).invoke(main, ["segment", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_person_who_clicked_twice_is_a_golfer_and_a_scanner_is_not(home: Installation) -> None:
    for address in (ANN, "scanned@example.org"):
        home.subscribe(address, "over-50-guide")
    clicks(home, ANN, 2)
    clicks(home, "scanned@example.org", 5, verdict="machine")
    context = home.context
    found = segments.glimpse(context.database, context.catalogue, "golfers", home.clock.now)
    assert (found.count, [one.address for one in found.sample]) == (1, [ANN])


def test_a_condition_can_be_tried_before_it_is_published(home: Installation) -> None:
    for address in (ANN, "bob@example.org", "cid@example.org"):
        home.subscribe(address)
    context = home.context
    count, some = segments.try_out(
        context.database, context.catalogue, Not(Booked()), home.clock.now, sample=2
    )
    assert (count, len(some)) == (3, 2)


def test_the_segment_command_lists_counts_and_exports(sqlite_home: Installation) -> None:
    home = sqlite_home
    home.subscribe("=1+1@example.org", "over-50-guide", first_name="Ann")
    clicks(home, "=1+1@example.org", 2)
    assert "golfers: 1" in run(home)
    assert json.loads(run(home, "--json"))[0]["name"] == "ready-to-book"
    assert "Golfers: 1" in run(home, "golfers")
    assert json.loads(run(home, "golfers", "--json"))["count"] == 1
    [row] = csv.DictReader(io.StringIO(run(home, "golfers", "--csv", "-")))
    assert row["email"] == "'=1+1@example.org"  # The screen is for programs: nothing before it.
    [document] = map(json.loads, run(home, "golfers", "--ndjson", "-").splitlines())
    assert document["email"] == "=1+1@example.org"
    file = home.directory / "golfers.csv"
    assert "1 people written" in run(home, "golfers", "--csv", str(file))
    assert file.read_bytes().startswith(b"\xef\xbb\xbfemail,first_name,since\r\n")
    [row] = csv.DictReader(file.open(encoding="utf-8-sig", newline=""))
    assert unguarded(row["email"]) == "=1+1@example.org"
    assert row["since"] == f"{home.clock.now:%Y-%m-%d %H:%M:%S}"


def test_an_unknown_segment_is_refused_with_the_names_of_the_known_ones(
    sqlite_home: Installation,
) -> None:
    context = sqlite_home.context
    with pytest.raises(UnknownSegmentError, match="golfers, gone-quiet, ready-to-book"):
        segments.glimpse(context.database, context.catalogue, "nobody", sqlite_home.clock.now)


def test_an_unwritable_export_is_refused_in_one_line(home: Installation, tmp_path: Path) -> None:
    home.subscribe(ANN)
    file = tmp_path / "no-such-folder" / "people"
    environment = dict(home.environment)
    for words in (["segment", "golfers", "--csv"], ["export-person", ANN, "--html"]):
        refused = CliRunner(env=environment).invoke(main, [*words, str(file)])
        assert refused.exit_code == 1
        assert refused.output == (
            f"nurture: {file} cannot be written: No such file or directory. "
            "Choose a folder that you can write to.\n"
        )
