"""Two beats, every task three times, eight workers together: still every email once."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from tests.faults.oracle import Oracle
from tests.faults.population import due_for_an_article
from tests.faults.verdict import verdict
from tests.faults.workers import celery_beat, celery_worker, finished, until
from tests.installation import Installation
from tests.vocabulary import FIRST

#: Where the copies are put, from where alone the workers take what they do.
COPIES = "copies"


@contextmanager
def everything_thrice(redis_url: str) -> Iterator[list[int]]:
    """Take every task from its queue and deliver it three times; return the number of tasks."""
    over, tasks = threading.Event(), [0]

    def copy() -> None:
        with redis.from_url(redis_url) as connection:
            while not over.is_set():
                taken = connection.brpop(["nurture"], timeout=0.2)
                if taken is not None:
                    tasks[0] += 1
                    connection.lpush(COPIES, *(_another(taken[1]) for _ in range(3)))

    thread = threading.Thread(target=copy)
    thread.start()
    yield tasks
    over.set()
    thread.join()


def _another(task: bytes) -> bytes:
    """Return the same task as if the broker had redelivered it."""
    message = json.loads(task)
    message["properties"]["delivery_tag"] = secrets.token_hex(16)
    return json.dumps(message).encode()


@pytest.mark.parametrize("count", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_two_beats_and_tripled_tasks_for_eight_workers_send_each_email_once(
    full_home: Installation, oracle: Oracle, redis_url: str, count: int
) -> None:
    home = full_home
    home.settings = {
        "NURTURE_REDIS_URL": redis_url,
        "NURTURE_SWEEP_SECONDS": "0.2",
        "NURTURE_WORKER_PROCESSES": "8",
        "NURTURE_BATCH": "10",
    }
    addresses = due_for_an_article(home, count)
    oracle.delay(0.001)
    with (
        everything_thrice(redis_url) as tasks,
        celery_worker(home, COPIES),
        celery_beat(home),
        celery_beat(home),
    ):
        until(lambda: finished(home.context.dispatch), 240)
    judged = verdict(home, oracle, addresses, FIRST)
    assert judged.faultless, judged
    assert judged.accepted == count
    assert tasks[0] > 3
