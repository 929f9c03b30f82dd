"""Workers are killed again and again, at any moment, while mails are due."""

import random
import time

import pytest

from nurture.services.delivering import WINDOW
from tests.faults.oracle import Oracle
from tests.faults.population import due_for_an_article
from tests.faults.verdict import verdict
from tests.faults.workers import PlainWorkers, expire_leases, finished, until
from tests.house import Household
from tests.services.test_delivering import FIRST

#: What one killed process may leave in doubt: the window it offers and the one before,
#: whose last answers it has not yet written down.
AT_MOST_A_KILL = 2 * WINDOW


def kill_while_they_work(
    home: Household, oracle: Oracle, kills: int, chance: random.Random
) -> int:
    """Kill one of three workers so often, and start another; return how many were killed at work."""
    at_work = 0
    with PlainWorkers(home, settings={"NURTURE_BATCH": "60"}) as workers:
        workers.start(3)
        for _ in range(kills):
            before = oracle.count()
            until(lambda before=before: oracle.count() > before or finished(home.house.dispatch))
            time.sleep(chance.uniform(0, 0.05))
            at_work += not finished(home.house.dispatch)
            workers.kill(chance.choice(workers.pids()))
            workers.start()
    return at_work


def drain(home: Household) -> None:
    """All workers are dead; when that has been noticed, others do what is left."""
    expire_leases(home)
    with PlainWorkers(home) as workers:
        workers.start(2)
        until(lambda: finished(home.house.dispatch), 30)


def test_killing_workers_at_any_moment_loses_nothing_and_doubles_nothing(
    home: Household, oracle: Oracle
) -> None:
    addresses = due_for_an_article(home, 300)
    oracle.delay(0.001)
    at_work = kill_while_they_work(home, oracle, 5, random.Random(1))
    oracle.delay(0)
    drain(home)
    found = verdict(home, oracle, addresses, FIRST)
    assert found.faultless, found
    print("X", at_work, len(found.in_doubt), found.accepted)
    assert at_work >= 3
    assert len(found.in_doubt) <= at_work * AT_MOST_A_KILL + 3 * AT_MOST_A_KILL
