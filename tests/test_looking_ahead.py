"""The commands that predict and explain, as the owner types them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nurture.cli import main
from tests.installation import SHIPPED, Installation
from tests.installations import smtp_sink, sqlite_home
from tests.presence import at_least_one

__all__ = ["smtp_sink", "sqlite_home"]

MONDAY = datetime(2026, 6, 1, 9, tzinfo=UTC)
ANNA = "anna@example.org"


@pytest.fixture
def anna(sqlite_home: Installation) -> Installation:
    """An installation in which Anna collected her guide an hour ago, and Ben did not."""
    sqlite_home.clock.set(MONDAY)
    sqlite_home.subscribe(ANNA)
    sqlite_home.subscribe("ben@example.org")
    sqlite_home.deliver()
    sqlite_home.collect(1)
    sqlite_home.deliver()
    sqlite_home.clock.advance(timedelta(hours=1))
    return sqlite_home


def typed(home: Installation, *words: str) -> Result:
    """Return the command's output in that installation."""
    more = {"NURTURE_TEMPLATES_DIR": str(SHIPPED)}
    return CliRunner(env=home.environment | more).invoke(main, list(words))


def test_a_real_person_is_simulated_from_their_current_step(anna: Installation) -> None:
    said = typed(anna, "simulate", "pain-guide", "--like", "Anna@example.org").output
    assert said.startswith("pain-guide, as published\n\nanna@example.org, times in")
    assert "Thu 04 Jun 2026 08:30  article     why-stretching" in said
    assert "your-guide" not in said
    afresh = typed(anna, "simulate", "over-50-guide", "--like", ANNA).output
    assert "signs up    over-50-guide" in afresh
    assert "pain-guide/why-stretching" in afresh


def test_a_date_out_of_range_and_a_binary_file_are_refused_in_one_line(
    anna: Installation, tmp_path: Path
) -> None:
    refused = typed(anna, "simulate", "pain-guide", "--from", "9999-12-31")
    assert "--from: 9999 is not in our time. Name a year up to 2199." in refused.output
    file = tmp_path / "people.toml"
    file.write_bytes(b"[[people]]\nname = '\xff'")
    refused = typed(anna, "simulate", "pain-guide", "--people", str(file))
    assert f"{file} cannot be read" in refused.output
    assert "Save it as plain text in UTF-8." in refused.output


def test_changed_files_are_simulated_on_request(anna: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "pain-guide"
    folder.mkdir()
    plan = (SHIPPED / "pain-guide/sequence.toml").read_text()
    (folder / "sequence.toml").write_text(plan.replace('at    = "08:30"', 'at    = "07:45"'))
    before = typed(anna, "simulate", "pain-guide").output
    assert "08:30" in before
    after = typed(anna, "simulate", "pain-guide", "--path", str(folder)).output
    assert f"as written in {folder}" in after
    assert "08:30" not in after
    proposed = typed(anna, "simulate", "pain-guide", "--proposed").output
    assert proposed.startswith("pain-guide, as written in its files")


def test_every_report_is_also_available_as_json(anna: Installation) -> None:
    played = json.loads(typed(anna, "simulate", "pain-guide", "--like", ANNA, "--json").output)
    [person] = played["people"]
    assert person["entries"][0]["at"] == "2026-06-04T07:30:00+00:00"
    assert person["entries"][0]["local"] == "2026-06-04T08:30:00+01:00"
    command = ("simulate", "pain-guide", "--compare", str(SHIPPED), "--json")
    assert json.loads(typed(anna, *command).output)["impact"]["unaffected"] == 2
    why = json.loads(typed(anna, "why", ANNA, "--json").output)
    assert why["next_at"] == "2026-06-04T07:30:00+00:00"
    assert why["sent"][0]["step"] == "your-guide"


def test_one_person_is_explained_in_sentences(anna: Installation) -> None:
    lines = typed(anna, "why", "ANNA@example.org").output.splitlines()
    assert lines[0].startswith("anna@example.org signed up on Monday 1 June 2026 at 10:00")
    assert all(line.endswith(".") for line in at_least_one(lines))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("why", "nobody@example.org"), 1, "There is nobody with the address nobody@example.org."),
        (("simulate", "nowhere"), 1, "There is no sequence “nowhere”."),
        (("simulate", "pain-guide", "--like", "nobody@example.org"), 1, "There is nobody"),
        (("simulate", "pain-guide", "--like", ANNA, "--from", "2026-06-01"), 2, "--from is for"),
        (
            ("simulate", "pain-guide", "--like", ANNA, "--compare", str(SHIPPED)),
            2,
            "Give only one of",
        ),
        (("simulate", "pain-guide", "--from", "tomorrow"), 2, "“tomorrow” is not a date"),
    ],
)
def test_invalid_input_is_refused_in_one_line(
    anna: Installation, words: tuple[str, ...], code: int, said: str
) -> None:
    answer = typed(anna, *words)
    assert answer.exit_code == code
    assert said in answer.output
    assert answer.output.count("\n") == 1


def test_viewing_changes_nothing(anna: Installation) -> None:
    before = anna.everything()
    typed(anna, "simulate", "pain-guide", "--like", ANNA)
    typed(anna, "simulate", "pain-guide", "--compare", str(SHIPPED))
    typed(anna, "why", ANNA)
    assert anna.everything() == before
