"""The demonstration keeps every promise of its story, and says so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.running import environment, processes_of


def demo(directory: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Play it in a directory, in a separate process."""
    return subprocess.run(
        [sys.executable, "-m", "nurture", "demo", "--keep", str(directory), *options],
        env=environment(directory),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demonstration's result, played once for all tests."""
    directory = tmp_path_factory.mktemp("demo") / "played"
    ended = demo(directory, "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return directory, ended.stdout


def test_the_demo_keeps_every_promise_and_everyone_ends_as_documented(
    played: tuple[Path, str],
) -> None:
    outcome = json.loads(played[1])
    assert outcome["kept"] is True
    assert all(outcome["promises"].values())
    assert {p["name"]: p["ended"] for p in outcome["people"]} == {
        "Alice": "goal_reached",
        "Bob": "completed",
        "Charlie": "unsubscribed",
        "Dana": "suppressed",
        "Erin": "removed",
    }


def test_the_demo_emails_can_be_viewed(played: tuple[Path, str]) -> None:
    outcome = json.loads(played[1])
    page = Path(outcome["index"]).read_text()
    received = [subject for person in outcome["people"] for subject in person["mails"]]
    assert received
    assert [subject for subject in received if subject not in page] == []
    assert len(list(Path(outcome["outbox"]).glob("*.eml"))) == 17


def test_the_demo_leaves_nothing_running(played: tuple[Path, str]) -> None:
    assert processes_of(played[0]) == []


def test_a_folder_with_other_files_is_left_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("five years of work")
    ended = demo(tmp_path)
    assert ended.returncode == 1
    assert "thesis" not in ended.stderr
    assert (tmp_path / "thesis.txt").read_text() == "five years of work"
