"""PostgreSQL crashes and hangs up: a signup is stored or refused, never lost after a 202."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from nurture.store.migrate import migrate
from nurture.store.tables.subscribers import subscribers
from tests.faults.oracle import Oracle
from tests.faults.trees import AT_ONCE, ONE_SWEEP, Tree
from tests.faults.verdict import verdict
from tests.faults.workers import expire_leases, until
from tests.servers.clock import ClockFile
from tests.servers.postgres import Server, find_programs


@pytest.fixture
def own_server() -> Iterator[Server]:
    """This test's own server, which preserves what it has committed, as a real one does."""
    with Server(find_programs()) as server:
        with _administrator(server) as connection:
            connection.execute("ALTER DATABASE postgres SET synchronous_commit = on")
        yield server


@pytest.fixture
def tree(
    own_server: Server, tmp_path: Path, clock_file: ClockFile, oracle: Oracle
) -> Iterator[Tree]:
    """The whole program on that server."""
    url = own_server.url.replace("postgresql://", "postgresql+psycopg://", 1)
    migrate(url)
    with Tree(url, tmp_path, clock_file, oracle) as tree:
        yield tree


def _administrator(server: Server) -> psycopg.Connection[tuple[object, ...]]:
    address = make_url(server.url).set(drivername="postgresql")
    return psycopg.connect(address.render_as_string(hide_password=False), autocommit=True)


def crash(server: Server) -> None:
    """Stop it in immediate mode: every connection ends in the middle of its work."""
    server.stop(signal.SIGQUIT)


def hang_up_on_everybody(server: Server, over: threading.Event) -> int:
    """Terminate every connection repeatedly; return how many there were."""
    others = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
    statement = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {others}"
    ended = 0
    with _administrator(server) as connection:
        while not over.wait(0.01):
            [count] = connection.execute(statement.encode()).fetchone() or [0]
            ended += int(str(count))
    return ended


def subscribed(tree: Tree) -> set[str]:
    """Return every subscriber in the database."""
    return {row["address"] for row in tree.home.rows(subscribers)}


@pytest.mark.parametrize("crashes", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_signups_get_a_503_during_a_database_crash_and_everything_due_is_sent_later(
    tree: Tree, own_server: Server, oracle: Oracle, crashes: int
) -> None:
    for number in range(crashes):
        accepted, refused = f"a{number}@example.org", f"r{number}@example.org"
        oracle.delay(0.1)
        assert tree.sign_up(accepted) == 202
        until(lambda: bool(verdict(tree.home, oracle, []).in_hand))
        crash(own_server)
        oracle.delay(0)
        began = time.monotonic()
        assert tree.sign_up(refused) == 503
        assert tree.click() == (302, "https://example.org/an-article")
        assert time.monotonic() - began < 2 * AT_ONCE
        own_server.start()
        assert tree.sign_up(refused) == 202
        assert until(lambda: tree.sent_to([refused])) < ONE_SWEEP  # noqa: B023
    assert tree.unharmed()
    expire_leases(tree.home)
    until(lambda: not verdict(tree.home, oracle, []).in_hand)
    judged = verdict(tree.home, oracle, subscribed(tree))
    assert not (judged.lost or judged.lies or judged.denied), judged


@pytest.mark.parametrize("count", [100, pytest.param(600, marks=pytest.mark.slow)])
def test_connections_cut_during_a_commit_never_give_a_false_202(
    tree: Tree, own_server: Server, oracle: Oracle, count: int
) -> None:
    addresses = [f"p{n}@example.org" for n in range(count)]
    over = threading.Event()
    with ThreadPoolExecutor(5) as pool:
        cutting = pool.submit(hang_up_on_everybody, own_server, over)
        answers = dict(zip(addresses, pool.map(tree.sign_up, addresses), strict=True))
        over.set()
    told = Counter(answers.values())
    assert set(told) <= {202, 503}, told
    assert told[503]
    assert cutting.result() > 0
    kept = {address for address, status in answers.items() if status == 202}
    assert kept <= subscribed(tree)
    expire_leases(tree.home)
    until(lambda: tree.sent_to(sorted(kept)), 60)
    assert tree.unharmed()
