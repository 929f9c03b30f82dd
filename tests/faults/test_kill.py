"""Workers are killed repeatedly, at any moment, while emails are due."""

import os
import random
import signal
import time
from functools import partial

import pytest

import tasks
from nurture.store.queries.due import count_due
from tests.faults.oracle import Oracle
from tests.faults.population import due_for_an_article
from tests.faults.verdict import verdict
from tests.faults.workers import (
    PlainWorkers,
    Program,
    celery_beat,
    celery_worker,
    expire_leases,
    finished,
    until,
)
from tests.installation import Installation
from tests.vocabulary import FIRST

CONNECTIONS = 4

#: What one killed process may leave in doubt: on each connection the one message whose
#: content has begun to leave and whose answer it has not yet read.
AT_MOST_A_KILL = CONNECTIONS


def kill_while_they_work(
    home: Installation, oracle: Oracle, kills: int, chance: random.Random
) -> int:
    """Kill one of three workers `kills` times, restarting one; return how many died at work.

    What they had claimed stays claimed until their leases expire.
    """
    at_work = 0
    settings = {"NURTURE_BATCH": "30", "NURTURE_SMTP_CONNECTIONS": str(CONNECTIONS)}
    with PlainWorkers(home, settings=settings) as workers:
        workers.start(3)
        for _ in range(kills):
            before = oracle.count()
            until(partial(something_was_taken_since, before, home, oracle))
            time.sleep(chance.uniform(0, 0.05))
            at_work += is_due(home)
            workers.kill(chance.choice(workers.pids()))
            workers.start()
    return at_work


def something_was_taken_since(before: int, home: Installation, oracle: Oracle) -> bool:
    """Return whether a worker has sent something since, or nothing is left to do."""
    return oracle.count() > before or not is_due(home)


def is_due(home: Installation) -> bool:
    """Return whether there is unclaimed work."""
    with home.context.database.reading() as connection:
        return count_due(connection, home.clock.now, most=1) > 0


def drain(home: Installation) -> None:
    """After all workers have died and their leases expired, let others do what is left."""
    expire_leases(home)
    with PlainWorkers(home) as workers:
        workers.start(2)
        until(lambda: finished(home.context.dispatch), 30)


def test_killing_workers_at_any_moment_loses_nothing_and_repeats_nothing(
    home: Installation, oracle: Oracle
) -> None:
    addresses = due_for_an_article(home, 300)
    oracle.delay(0.001)
    at_work = kill_while_they_work(home, oracle, 5, random.Random(1))
    oracle.delay(0)
    drain(home)
    found = verdict(home, oracle, addresses, FIRST)
    assert found.faultless, found
    assert at_work >= 3
    # Five were killed on the way, and the last three at the end.
    assert len(found.in_doubt) <= (5 + 3) * AT_MOST_A_KILL


@pytest.mark.slow
def test_fifty_killed_workers_neither_lose_nor_repeat_any_of_two_thousand_emails(
    home: Installation, oracle: Oracle, redis_url: str
) -> None:
    """Children and parents of real Celery workers, woken by a real beat, with real leases."""
    home.settings = {"NURTURE_REDIS_URL": redis_url, "NURTURE_SWEEP_SECONDS": "0.5"}
    home.settings |= {"NURTURE_BATCH": "50", "NURTURE_SMTP_CONNECTIONS": str(CONNECTIONS)}
    addresses = due_for_an_article(home, 2000)
    chance, kills = random.Random(2), 50
    oracle.delay(0.02)
    with celery_beat(home), celery_worker(home) as one, celery_worker(home) as other:
        for number in range(kills):
            before = oracle.count()
            until(partial(something_was_taken_since, before, home, oracle), 30)
            time.sleep(chance.uniform(0, 0.3))
            kill_somebody(chance.choice([one, other]), chance, parent=number % 5 == 4)
        oracle.delay(0)
        took = until(lambda: finished(home.context.dispatch), 150, every=0.5)
    found = verdict(home, oracle, addresses, FIRST)
    print(f"drained after {took:.0f} s, {len(found.in_doubt)} in doubt")
    assert found.faultless, found
    assert not found.waiting and not found.in_hand
    assert took < 120
    assert len(found.in_doubt) <= kills * 2 * AT_MOST_A_KILL


def kill_somebody(worker: Program, chance: random.Random, *, parent: bool) -> None:
    """Kill a child, which Celery replaces, or the parent, whose children die with it."""
    children = worker.children()
    if parent or not children:
        worker.kill_parent()
        worker.start()
    else:
        os.kill(chance.choice(children), signal.SIGKILL)


def test_a_child_forked_just_before_its_worker_was_killed_exits() -> None:
    reading, writing = os.pipe()
    if not os.fork():
        tasks._load_before_forking()
        worker = os.getpid()
        if not os.fork():
            while os.getppid() == worker:
                time.sleep(0.001)
            tasks._begin_afresh()
            os.write(writing, b"goes on")
            os._exit(0)
        os.kill(worker, signal.SIGKILL)
    os.close(writing)
    with open(reading, "rb") as heard:
        assert heard.read() == b""
    os.wait()
