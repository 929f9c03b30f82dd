"""An import that is killed at any moment goes on with the same command, and counts nobody twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from nurture.store.tables.imports import import_rows, imports
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation
from tests.lists import agreed, client, left, write_list

#: So many that it takes several transactions, each a moment to be killed at.
COUNT = 4000


def many() -> list[dict[str, str]]:
    """Return people of every kind."""
    kinds = (agreed, client, left, lambda address: {"email": address})
    return [kinds[n % 4](f"person.{n}@example{n % 7}.org") for n in range(COUNT)]


def command(path: Path) -> list[str]:
    """Return the command that brings the list in."""
    code = "from nurture.cli import main; main()"
    own = [sys.executable, "-c", code, "import", str(path), "--yes", "--json"]
    return [*own, "--covers", "articles"]


def killed_after(home: Installation, path: Path, chunks: int) -> int:
    """Start the command, kill it once it has written some chunks, and return how many rows."""
    environment = {**os.environ, **home.environment}
    before = len(home.rows(import_rows))
    process = subprocess.Popen(command(path), env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(home.rows(import_rows)) < before + chunks * 500 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    return len(home.rows(import_rows))


@pytest.mark.slow
def test_killed_three_times_it_goes_on_and_counts_nobody_twice(home: Installation) -> None:
    path = write_list(home, many())
    written = [killed_after(home, path, chunks) for chunks in (1, 2, 1)]
    assert 0 < written[0] < written[1] < written[2] < COUNT
    environment = {**os.environ, **home.environment}
    done = subprocess.run(command(path), env=environment, capture_output=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    quarter = COUNT // 4
    assert {name: count for name, count in told["piles"].items() if count} == dict.fromkeys(
        ("evidence", "client", "suppressed", "unknown"), quarter
    )
    [one] = home.rows(imports)
    assert (told["changed"], one["changed"], one["addresses"]) == (COUNT, COUNT, COUNT)
    keys = [row["address_key"] for row in home.rows(subscribers)]
    assert len(keys) == len(set(keys)) == COUNT == len(home.rows(import_rows))
    assert len(home.rows(suppressions)) == quarter
