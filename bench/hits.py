"""Opens and clicks over HTTP with the journal on, until they are in the database."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import func, select

from bench import load
from bench.people import enrol, settle, wave
from bench.procfs import OtherWork, cpu_of
from bench.sinks import free_port
from bench.stores import Store
from bench.workers import SECRET, Site, command_line, running, running_worker
from nurture.store.database import Database
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.tokens import Tokens

#: So many that nobody's message gets more hits a minute than are kept.
_PEOPLE = 20_000
_URL = "https://human-movement.com/blog/fifteen-small-things/the-hinge/"
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_PATIENCE = 120.0

#: How often the worker is asked to fold; beat asks every NURTURE_SWEEP_SECONDS.
_FOLD_SECONDS = 0.5


class HitsLostError(Exception):
    """Not every hit reached the database."""


def measure(store: Store, site: Site, size: int, rounds: int) -> dict[str, Any]:
    """Return hits per second, as answered and until all are stored; medians of the rounds."""
    with store.fresh() as database:
        enrol(database, 1, _PEOPLE, wave(1000))
        settle(database)
        requests = _requests(database, size)
        with _web_and_worker(store, site, database) as (port, web):
            load.put_load(port, requests[:200])
            _fold(site, database, sum(count for *_, count in requests[:200]))
            measured = [_round(site, database, port, requests, web) for _ in range(rounds)]
    found = {name: median(one[name] for one in measured) for name in measured[0]}
    return {"store": store.kind, "hits": size} | found


def requests_for(numbers: list[int], size: int) -> list[tuple[str, int, int]]:
    """Return equal numbers of opens and clicks of these messages, prebuilt, message by message."""
    tokens = Tokens([SECRET])
    made = []
    for place in range(size):
        number = numbers[place // 2 % len(numbers)]
        path = (
            f"/c/{tokens.click(number, _URL)}" if place % 2 else f"/o/{tokens.opened(number)}.gif"
        )
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {_AGENT}\r\n\r\n"
        made.append((head, 302 if place % 2 else 200, 1))
    return made


def _requests(database: Database, size: int) -> list[tuple[str, int, int]]:
    with database.reading() as connection:
        numbers = list(connection.scalars(select(messages.c.id)))
    return requests_for(numbers, size)


@contextmanager
def _web_and_worker(store: Store, site: Site, database: Database) -> Iterator[tuple[int, int]]:
    """Run the real web process, and a worker with one process that stores hits."""
    own = Path(site.directory / f"hits-{store.kind}")
    own.mkdir()
    port = free_port()
    environment = site.environment(
        NURTURE_DATABASE_URL=database.url,
        NURTURE_DATA_DIR=str(own),
        NURTURE_PORT=str(port),
        NURTURE_WORKER_PROCESSES="1",
    )
    log = own / "hits.log"
    with (
        running(command_line("web"), environment, log, port) as web,
        running_worker(environment, log),
    ):
        yield port, web


def _round(
    site: Site, database: Database, port: int, requests: list[tuple[str, int, int]], web: int
) -> dict[str, float]:
    """Let the worker store hits while they arrive, as in production."""
    size, before, spent, other = len(requests), _count(database), cpu_of([web]), OtherWork()
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load.put_load, port, requests)
        while not loading.done():
            site.wake("tasks.recording.fold_hits")
            time.sleep(_FOLD_SECONDS)
        put = loading.result()
    cost = (cpu_of([web]) - spent).whole
    _fold(site, database, before + size)
    return {
        "answered": put.rate,
        "until_folded": size / (time.monotonic() - put.began),
        "web_cpu": cost / size * 1e6,
        "generator_cpu": put.cost,
        "other_cores": other.cores(),
    }


def _fold(site: Site, database: Database, expected: int) -> None:
    """Let the worker store hits until there are as many events as expected."""
    began, woken = time.monotonic(), 0.0
    while (count := _count(database)) < expected:
        if time.monotonic() - woken > _FOLD_SECONDS:
            site.wake("tasks.recording.fold_hits")
            woken = time.monotonic()
        if time.monotonic() - began > _PATIENCE:
            break
        time.sleep(0.05)
    if count != expected:
        raise HitsLostError(f"{expected} hits were made, {count} are in the database")


def _count(database: Database) -> int:
    with database.reading() as connection:
        return connection.scalar(select(func.count(events.c.id))) or 0
