"""The commands for complaints and for signed evidence."""

import json
import stat
from pathlib import Path

from click.testing import CliRunner, Result

from nurture.cli import main
from nurture.domain.complaints import read_wording
from nurture.services.complaints.receipt import receive
from nurture.services.evidence.keys import public_keys
from tests.installation import Installation

ANN = "ann@example.org"


def nurture(home: Installation, *words: str) -> Result:
    """Run one of the owner's commands; return its output."""
    return CliRunner().invoke(main, list(words), env=home.environment)


def complain(home: Installation) -> str:
    """Let Ann complain; return the reference."""
    home.subscribe(ANN)
    wording = read_wording("You wrote.\nWhy?", "Ann", "email", "")
    return receive(home.context.database, wording, ANN, "", home.clock.now).reference


def test_complaints_are_listed_with_the_days_left(home: Installation) -> None:
    assert nurture(home, "complaints").output == "Nobody has complained.\n"
    reference = complain(home)
    line = nurture(home, "complaints").output
    assert reference in line and ANN in line and "30 of 30 days left" in line
    [values] = json.loads(nurture(home, "complaints", "--json").output)
    assert (values["reference"], values["stage"], values["days_left"]) == (reference, "waiting", 30)
    assert values["text"] == "You wrote.\nWhy?"


def test_a_complaint_is_acknowledged_noted_and_closed_by_number_or_reference(
    sqlite_home: Installation,
) -> None:
    reference = complain(sqlite_home)
    for words in (("acknowledge", "1"), ("note", reference, "Rang her."), ("close", reference)):
        done = nurture(sqlite_home, "complaint", *words)
        assert done.exit_code == 0, done.output
    shown = nurture(sqlite_home, "complaint", "show", reference.lower()).output
    assert "closed" in shown and "Rang her." in shown and "You wrote.\nWhy?" in shown
    values = json.loads(nurture(sqlite_home, "complaint", "show", "1", "--json").output)
    assert values["acknowledged_at"] and values["closed_at"] and values["stage"] == "closed"
    wrong = nurture(sqlite_home, "complaint", "close", "99")
    assert wrong.exit_code == 1 and "nurture complaints" in wrong.stderr


def test_evidence_is_written_private_and_verified_without_a_database(
    home: Installation, tmp_path: Path
) -> None:
    complain(home)
    out, key = tmp_path / "evidence.zip", tmp_path / "public-key.txt"
    made = nurture(home, "evidence", ANN, "--out", str(out))
    assert made.exit_code == 0, made.output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    key.write_text(public_keys(home.context.database))
    elsewhere = {"NURTURE_DATA_DIR": str(tmp_path / "nowhere")}
    for more, trusts in (([], False), (["--key", str(key)], True)):
        words = ["evidence", "verify", str(out), *more]
        done = CliRunner().invoke(main, words, env=elsewhere)
        assert done.exit_code == 0, done.output
        assert ANN in done.output and ("Whose key" in done.output) is not trusts
    assert not (tmp_path / "nowhere").exists()


def test_a_changed_byte_fails_with_a_sentence_that_names_the_file(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    complain(sqlite_home)
    out = tmp_path / "evidence.zip"
    nurture(sqlite_home, "evidence", "make", ANN, "--out", str(out))
    out.write_bytes(out.read_bytes().replace(b"You wrote.", b"She wrote."))
    failed = nurture(sqlite_home, "evidence", "verify", str(out))
    assert failed.exit_code == 1 and failed.stderr.count("\n") == 1
    assert "evidence.html was changed" in failed.stderr


def test_evidence_that_cannot_be_made_or_read_says_why(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    unknown = nurture(sqlite_home, "evidence", "nobody@example.org", "--out", "x.zip")
    assert unknown.exit_code == 1 and "Nothing is kept" in unknown.stderr
    complain(sqlite_home)
    lost = nurture(sqlite_home, "evidence", ANN, "--out", str(tmp_path / "no/where.zip"))
    assert lost.exit_code == 1 and "cannot be written" in lost.stderr
    absent = nurture(sqlite_home, "evidence", "verify", str(tmp_path / "absent.zip"))
    assert absent.exit_code == 1 and "cannot be read" in absent.stderr


def test_a_new_key_is_told_by_its_fingerprint(sqlite_home: Installation, tmp_path: Path) -> None:
    complain(sqlite_home)
    first = nurture(sqlite_home, "evidence", "new-key").output
    second = nurture(sqlite_home, "evidence", "new-key").output
    assert "fingerprint" in first and first != second
    out = tmp_path / "evidence.zip"
    nurture(sqlite_home, "evidence", ANN, "--out", str(out))
    said = nurture(sqlite_home, "evidence", "verify", str(out)).output
    assert second.split()[-1].rstrip(".") in said
