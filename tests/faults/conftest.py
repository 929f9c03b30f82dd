"""Fixtures: an installation whose email goes to the witness."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.oracle import Oracle
from tests.installation import Installation
from tests.servers.clock import ClockFile


@pytest.fixture
def oracle(tmp_path: Path) -> Iterator[Oracle]:
    """A mail server that remembers what it has accepted and can be told to misbehave."""
    with Oracle(tmp_path / "accepted.jsonl") as oracle:
        yield oracle


@pytest.fixture
def home(
    database_url: str, tmp_path: Path, clock_file: ClockFile, oracle: Oracle
) -> Iterator[Installation]:
    """An installation that sends to the witness: the test runs once on each kind of database."""
    home = Installation(database_url, tmp_path, clock_file, oracle.url).publish_shipped()
    yield home
    home.close()


@pytest.fixture
def sqlite_home(
    sqlite_url: str, tmp_path: Path, clock_file: ClockFile, oracle: Oracle
) -> Iterator[Installation]:
    """An installation on the embedded database."""
    home = Installation(sqlite_url, tmp_path, clock_file, oracle.url).publish_shipped()
    yield home
    home.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def full_home(
    request: pytest.FixtureRequest, tmp_path: Path, clock_file: ClockFile, oracle: Oracle
) -> Iterator[Installation]:
    """An installation on the embedded database and, in full runs, on the other kind too."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    home = Installation(url, tmp_path, clock_file, oracle.url).publish_shipped()
    yield home
    home.close()
