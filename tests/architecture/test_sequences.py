"""Every step of every sequence has its email, and every email its step."""

import tomllib
from pathlib import Path

import pytest

from tests.architecture.codebase import ROOT

EMAILS = ROOT / "templates" / "emails"
MAPS = sorted(EMAILS.glob("*/sequence.toml"))
KINDS_OF_FILE = (".md", ".mjml", ".txt")


def misfits(sequence: Path) -> list[str]:
    """Return emails missing from a sequence's folder and files that no step sends."""
    steps = [step["email"] for step in tomllib.loads(sequence.read_text())["steps"]]
    found = {path.name for path in sequence.parent.iterdir() if path.suffix in KINDS_OF_FILE}
    markdown = {email for email in steps if f"{email}.md" in found}
    wanted = {f"{email}.md" for email in markdown}
    wanted |= {f"{email}{kind}" for email in {*steps} - markdown for kind in (".mjml", ".txt")}
    wanted |= {f"{email}.txt" for email in markdown if f"{email}.txt" in found}
    missing = [f"missing: {name}" for name in sorted(wanted - found)]
    return missing + [f"no step sends: {name}" for name in sorted(found - wanted)]


def test_both_guides_have_a_sequence() -> None:
    assert {"pain-guide", "over-50-guide"} <= {path.parent.name for path in MAPS}


@pytest.mark.parametrize("sequence", MAPS, ids=lambda path: path.parent.name)
def test_every_step_has_an_email_and_every_email_a_step(sequence: Path) -> None:
    assert misfits(sequence) == []


@pytest.mark.parametrize("sequence", MAPS, ids=lambda path: path.parent.name)
def test_no_email_is_sent_by_two_steps(sequence: Path) -> None:
    steps = [step["email"] for step in tomllib.loads(sequence.read_text())["steps"]]
    assert len(steps) == len(set(steps)) > 0


def test_a_plain_version_stands_beside_markdown_only_where_its_words_speak_of_a_button() -> None:
    """From everything else the plain version is made, and has no second place to be edited in."""
    twins = [path for path in EMAILS.rglob("*.md") if path.with_suffix(".txt").exists()]
    words = {path.name: path.read_text().partition("\n+++\n")[2].lower() for path in twins}
    assert [name for name, said in words.items() if "button" not in said] == []


def test_every_folder_of_emails_is_a_sequence_or_the_layout() -> None:
    folders = {path.parent for kind in KINDS_OF_FILE for path in EMAILS.rglob(f"*{kind}")}
    assert folders - {path.parent for path in MAPS} == {EMAILS / "layout"}


def test_a_missing_and_an_orphaned_email_are_detected(tmp_path: Path) -> None:
    sequence = tmp_path / "sequence.toml"
    sequence.write_text('[[steps]]\nemail = "wanted"\n')
    (tmp_path / "wanted.mjml").touch()
    (tmp_path / "orphan.mjml").touch()
    assert misfits(sequence) == ["missing: wanted.txt", "no step sends: orphan.mjml"]
