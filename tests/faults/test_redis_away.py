"""Redis may be killed, emptied, stopped or full: no visitor notices, and nothing is lost."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.oracle import Oracle
from tests.faults.trees import AT_ONCE, ONE_SWEEP, RedisServer, Tree
from tests.faults.verdict import verdict
from tests.faults.workers import until
from tests.presence import at_least_one
from tests.servers.clock import ClockFile

Outage = Callable[[RedisServer, float], object]


@contextmanager
def killed(redis: RedisServer, seconds: float) -> Iterator[None]:
    """Kill it, and start it again later."""
    redis.kill()
    yield
    time.sleep(seconds)
    redis.start()


@contextmanager
def frozen(redis: RedisServer, seconds: float) -> Iterator[None]:
    """Stop it from answering for a while."""
    redis.freeze()
    yield
    time.sleep(seconds)
    redis.thaw()


@contextmanager
def flushed(redis: RedisServer, seconds: float) -> Iterator[None]:
    """Flush all its data, repeatedly."""
    redis.flush()
    yield
    redis.flush()


@contextmanager
def full(redis: RedisServer, seconds: float) -> Iterator[None]:
    """Run it out of memory, so that it accepts nothing more."""
    redis.limit(1)
    yield
    time.sleep(seconds)
    redis.limit(0)


def live_through(tree: Tree, outage: Callable[..., object], seconds: float) -> float:
    """Sign up and click while Redis is down; return how long the emails took after its return.

    It goes down while a worker is in the middle of a task.
    """
    name = getattr(outage, "__name__", "outage")
    addresses = [f"{name}-{n}@example.org" for n in range(4)]
    tree.oracle.delay(0.1)
    assert tree.sign_up(addresses[0]) == 202
    until(lambda: bool(verdict(tree.home, tree.oracle, []).in_hand))
    with outage(tree.redis, seconds):  # type: ignore[attr-defined]
        for address in at_least_one(addresses[1:]):
            began = time.monotonic()
            assert tree.sign_up(address) == 202
            assert time.monotonic() - began < AT_ONCE
        began = time.monotonic()
        assert tree.click() == (302, "https://example.org/an-article")
        assert time.monotonic() - began < AT_ONCE
        tree.oracle.delay(0)
    return until(lambda: tree.sent_to(addresses), 90)


@pytest.mark.parametrize("seconds", [1.0, pytest.param(60.0, marks=pytest.mark.slow)])
def test_a_redis_outage_loses_nothing_and_delays_emails_by_one_sweep_at_most(
    sqlite_url: str, tmp_path: Path, clock_file: ClockFile, oracle: Oracle, seconds: float
) -> None:
    with Tree(sqlite_url, tmp_path, clock_file, oracle) as tree:
        took = {o.__name__: live_through(tree, o, seconds) for o in (killed, frozen, flushed, full)}
        assert tree.unharmed()
        everybody = [one.recipient for one in oracle.taken()]
        judged = verdict(tree.home, oracle, everybody)
    assert judged.faultless, judged
    assert not judged.in_doubt
    assert {name: at for name, at in took.items() if at > ONE_SWEEP} == {}
