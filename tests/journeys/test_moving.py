"""Moving between the two kinds of database, under load: nobody is lost or duplicated."""

import json
import os
import secrets
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result

from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from tests.faults.conftest import oracle
from tests.faults.oracle import Oracle
from tests.faults.trees import Tree
from tests.faults.verdict import verdict
from tests.faults.workers import until
from tests.installation import SIGNUP_TOKEN, Installation
from tests.machines import command, restored_from
from tests.presence import at_least_one
from tests.servers.clock import ClockFile
from tests.servers.databases import empty_postgresql

__all__ = ["oracle"]


class Visitors(threading.Thread):
    """People who fill in the form, one after another, until the server stops answering."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(daemon=True)
        self.accepted: list[str] = []
        self._url, self._name = f"http://127.0.0.1:{port}/webhooks/signup/pain-guide", name

    def run(self) -> None:
        """Sign up, and record whose signup was accepted."""
        headers = {"Authorization": f"Bearer {SIGNUP_TOKEN}", "Content-Type": "application/json"}
        for number in range(10_000):
            address = f"{self._name}-{number}@example.org"
            body = json.dumps({"email": address}).encode()
            try:
                request = urllib.request.Request(self._url, body, headers)
                with urllib.request.urlopen(request, timeout=20) as answer:
                    assert answer.status == 202
            except (urllib.error.HTTPError, OSError):
                return
            self.accepted.append(address)


@pytest.fixture
def other_url(postgres_url: str) -> Iterator[str]:
    """A PostgreSQL database with nothing in it at all."""
    with empty_postgresql(postgres_url) as url:
        yield url


def under_way(tree: Tree, count: int) -> list[str]:
    """Sign that many people up over the web, let them collect, and send the first article."""
    home = tree.home
    people = [f"person-{number}@example.org" for number in range(count)]
    for address in at_least_one(people):
        assert tree.sign_up(address) == 202
    until(lambda: tree.sent_to(people), seconds=60)
    for row in home.rows(enrolments):
        home.collect(row["id"])
    home.clock.advance(timedelta(days=3))
    until(lambda: tree.oracle.count() >= 2 * count and idle(home), seconds=120)
    return people


def idle(home: Installation) -> bool:
    return not json.loads(command(home, "status", "--json").stdout)["due_now"]


def stop(tree: Tree) -> None:
    """Ask every program to stop, as an owner moving the data does, and wait for that."""
    for program in tree.programs:
        os.kill(program.pid, signal.SIGTERM)
    for program in tree.programs:
        until(lambda program=program: not program.alive(), seconds=60)  # type: ignore[misc]


def moved(home: Installation, url: str) -> tuple[Installation, Result]:
    """The same people on another machine and another kind of database."""
    made = command(home, "backup", "--to", str(box(home)), "--json")
    assert made.exit_code == 0, made.output
    said = json.loads(made.stdout)
    words = home.directory / "words"
    words.write_text(said["words"])
    other, result = restored_from(home, said["file"], words, url)
    other.settings = {}
    return other, result


def box(home: Installation) -> Path:
    folder = home.directory / f"box-{secrets.token_hex(3)}"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("count", [8, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("direction", ["to postgresql", "to sqlite"])
def test_a_move_under_load_loses_nobody_and_emails_nobody_twice(
    direction: str,
    count: int,
    sqlite_url: str,
    other_url: str,
    tmp_path: Path,
    clock_file: ClockFile,
    oracle: Oracle,
    request: pytest.FixtureRequest,
) -> None:
    away = direction == "to postgresql"
    before = sqlite_url if away else request.getfixturevalue("postgresql_url")
    with ExitStack() as stack:
        tree = stack.enter_context(Tree(before, tmp_path, clock_file, oracle))
        people = under_way(tree, count)
        crowd = [Visitors(tree.port, f"late-{number}") for number in range(3)]
        for visitors in crowd:
            visitors.start()
        clock_file.advance(timedelta(days=4))  # More is due, and they come while it is sent.
        until(lambda: sum(len(each.accepted) for each in crowd) >= count // 2, seconds=60)
        stop(tree)
        for visitors in crowd:
            visitors.join(60)
        late = [address for visitors in crowd for address in visitors.accepted]
        assert late
        other, result = moved(tree.home, other_url if away else "")
        assert result.exit_code == 0, result.output
    try:
        assert_nobody_was_lost(other, oracle, people, late)
    finally:
        other.close()


def assert_nobody_was_lost(
    other: Installation, oracle: Oracle, people: list[str], late: list[str]
) -> None:
    before = oracle.count()
    other.live(hours=1)
    assert oracle.count() == before, "nothing is sent until it is armed"
    assert command(other, "held", "release", "--all").exit_code == 0
    assert command(other, "arm").exit_code == 0
    other.live(days=30)
    there = {row["address"] for row in other.rows(subscribers)}
    assert there == {*people, *late, "first@example.org"}
    said = verdict(other, oracle, [*people, *late], step=None)
    assert said.lost == said.lies == said.denied == said.in_doubt == said.in_hand == []
    taken = [(one.recipient, one.message_id) for one in oracle.taken()]
    assert len(set(taken)) == len(taken)
    steps: dict[int, list[str]] = {}
    for row in other.rows(messages):
        steps.setdefault(row["subscriber_id"], []).append(row["step"])
    numbers = {row["address"]: row["id"] for row in other.rows(subscribers)}
    of_people = {tuple(sorted(steps[numbers[address]])) for address in people}
    assert len(of_people) == 1, "all have had the same"
    [had] = of_people
    assert len(had) == len(set(had)) > 4
    assert all("your-guide" in steps[numbers[address]] for address in at_least_one(late))
    assert sum(len(each) for each in steps.values()) == oracle.count()
