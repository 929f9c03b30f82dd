"""Children's output is stored completely, and their logs never fill a disk."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nurture.serving import logs
from nurture.serving.children import Child
from tests.presence import at_least_one
from tests.serving.running import wait_until


def test_a_log_is_rotated_while_its_child_writes_and_no_line_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_LARGEST", 5_000)
    _listen_to(tmp_path, lambda: _count_to(5_000))
    files = [tmp_path / f"child.log.{number}" for number in (3, 2, 1)] + [tmp_path / "child.log"]
    assert all(path.stat().st_size <= 5_000 for path in at_least_one(files))
    kept = [int(line) for path in files for line in path.read_text().splitlines()]
    assert kept == list(range(kept[0], 5_000))
    assert len(list(tmp_path.iterdir())) == 4


def test_a_log_resumes_once_its_removed_directory_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_LARGEST", 10)
    directory = tmp_path / "logs"
    directory.mkdir()
    log = logs.Log(directory / "child.log")
    log.write(b"before\n")
    shutil.rmtree(directory)
    log.write(b"meanwhile\n")
    log.write(b"meanwhile\n")
    directory.mkdir()
    log.write(b"after\n")
    log.close()
    assert (directory / "child.log").read_text() == "after\n"


def test_a_last_line_without_a_line_break_is_kept(tmp_path: Path) -> None:
    _listen_to(tmp_path, lambda: print("half a line", end="", flush=True))
    assert (tmp_path / "child.log").read_text() == "half a line"


def test_a_childs_log_says_why_it_died(tmp_path: Path) -> None:
    _listen_to(tmp_path, lambda: _fail("nobody expected this"))
    said = (tmp_path / "child.log").read_text()
    assert "Traceback" in said
    assert "nobody expected this" in said


def test_a_child_that_keeps_dying_is_restarted_at_growing_intervals(tmp_path: Path) -> None:
    family: list[Child] = []
    child = Child("child", lambda: _spoken(lambda: _fail("again")), tmp_path, family)
    family.append(child)
    child.start()
    began = time.monotonic()
    while time.monotonic() - began < 2.5:
        child.look_after()
        time.sleep(0.02)
    child.end()
    starts = (tmp_path / "child.log").read_text().count("Traceback")
    assert 2 <= starts <= 3


def _listen_to(directory: Path, program: Callable[[], object]) -> None:
    """Run it as a child until it ends, and log all its output."""
    family: list[Child] = []
    child = Child("child", lambda: _spoken(program), directory, family)
    family.append(child)
    child.start()

    def has_ended() -> bool:
        child.listen()
        return not child.alive()

    assert wait_until(has_ended)
    child.end()


def _spoken(program: Callable[[], object]) -> int:
    """Run it with the streams that a process has outside a test."""
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    program()
    return 0


def _count_to(number: int) -> None:
    for n in range(number):
        print(n, flush=n % 100 == 0)


def _fail(why: str) -> int:
    raise RuntimeError(why)
