"""End to end: due enrolments through the real Celery task to a mail server, until recorded."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import func, select

from bench.keys import signing
from bench.people import LONG_BEFORE, MORNING, enrol, settle, wave
from bench.procfs import OtherWork, cpu_of
from bench.sinks import Sink, sink_named
from bench.stores import Store
from bench.workers import Site, running_worker
from nurture.domain.messages.status import MessageStatus
from nurture.store.database import Database
from nurture.store.queries.due import count_due
from nurture.store.tables.messages import messages
from tests.servers.clock import ClockFile

#: Beat sweeps that often; a round that stalls is woken as it would be in real life.
_SWEEP_SECONDS = 5.0
_POLL = 0.02
_PATIENCE = 300.0

_IN_HAND = (MessageStatus.CLAIMED, MessageStatus.SENDING)


@dataclass(frozen=True, slots=True)
class Setup:
    """The setup for one figure; no `key` means no DKIM, no `connections` the default number."""

    store: str
    workers: int = 2
    key: str = ""
    sink: str = "light"
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """One round: `rate` in messages per second, the rest in microseconds per message."""

    rate: float
    worker_user: float
    worker_system: float
    sink_cpu: float
    database_cpu: float
    other_cores: float


class WrongCountError(Exception):
    """The figures are worthless: not every email arrived exactly once."""


def measure(
    store: Store, setup: Setup, site: Site, keys: dict[str, Path], size: int, rounds: int
) -> dict[str, Any]:
    """Run `rounds` rounds of `size` due enrolments each; return the medians and their samples."""
    with store.fresh() as database, sink_named(setup.sink) as sink:
        _prepare(database, size, rounds, setup.workers)
        clock = ClockFile(site.directory / f"clock-{next(_numbers)}", LONG_BEFORE)
        environment = site.environment(
            NURTURE_DATABASE_URL=database.url,
            NURTURE_SMTP_URL=sink.url,
            NURTURE_CLOCK=str(clock.path),
            NURTURE_WORKER_PROCESSES=str(setup.workers),
            NURTURE_SMTP_CONNECTIONS=str(setup.connections or ""),
            **signing(keys, setup.key),
        )
        with running_worker(environment, site.directory / "worker.log") as worker:
            run = _Run(database, store, site, sink, clock, worker)
            run.send(0, _warm_up(setup.workers))
            measured = [run.send(number, size) for number in range(1, rounds + 1)]
    return asdict(setup) | _medians(measured) | {"rates": [round(m.rate) for m in measured]}


_numbers = count(1)


def _warm_up(workers: int) -> int:
    """Send enough for every process to have had a batch."""
    return 500 * workers


def _prepare(database: Database, size: int, rounds: int, workers: int) -> None:
    first = 1
    for number in range(rounds + 1):
        people = size if number else _warm_up(workers)
        enrol(database, first, people, wave(number))
        first += people
    settle(database)


def _medians(rounds: list[Round]) -> dict[str, float]:
    names = Round.__dataclass_fields__
    return {name: median(getattr(one, name) for one in rounds) for name in names}


@dataclass(frozen=True)
class _Run:
    database: Database
    store: Store
    site: Site
    sink: Sink
    clock: ClockFile
    worker: int

    def send(self, number: int, size: int) -> Round:
        """Move the clock to one wave and wait until all of it is recorded."""
        accepted, taken = self._accepted(), self.sink.taken()
        workers, sink = cpu_of([self.worker]), cpu_of([self.sink.pid])
        database = cpu_of(self.store.server)
        other = OtherWork()
        began = time.monotonic()
        self.clock.set(wave(number))
        self._wait_until_done(began, None if taken is None else taken + size)
        took = time.monotonic() - began
        spent = cpu_of([self.worker]) - workers
        each = 1e6 / size
        done = Round(
            rate=size / took,
            worker_user=spent.user * each,
            worker_system=spent.system * each,
            sink_cpu=(cpu_of([self.sink.pid]) - sink).whole * each,
            database_cpu=(cpu_of(self.store.server) - database).whole * each,
            other_cores=other.cores(),
        )
        self._check(size, self._accepted() - accepted, taken)
        return done

    def _wait_until_done(self, began: float, expected: int | None) -> None:
        """Ask the sink first, if it counts: querying the database often would be expensive."""
        woken = 0.0
        for _ in _ticks(began):
            if time.monotonic() - woken > _SWEEP_SECONDS:
                self.site.wake("tasks.advancing.sweep")
                woken = time.monotonic()
            if self._all_taken(expected) and self._done():
                return
        raise WrongCountError("the worker did not finish; see worker.log")

    def _all_taken(self, expected: int | None) -> bool:
        taken = self.sink.taken()
        return taken is None or expected is None or taken >= expected

    def _done(self) -> bool:
        """Return whether nothing is due or in progress, in one database snapshot."""
        in_hand = select(messages.c.id).where(messages.c.status.in_(_IN_HAND)).limit(1)
        with self.database.reading() as connection:
            if count_due(connection, self.clock.now, most=1):
                return False
            return connection.scalar(in_hand) is None

    def _accepted(self) -> int:
        accepted = messages.c.status == MessageStatus.ACCEPTED
        recent = accepted & (messages.c.claimed_at >= MORNING)
        with self.database.reading() as connection:
            return connection.scalar(select(func.count()).where(recent)) or 0

    def _check(self, size: int, accepted: int, taken: int | None) -> None:
        now = self.sink.taken()
        received = now - taken if now is not None and taken is not None else size
        if (accepted, received) != (size, size):
            raise WrongCountError(f"{size} were due, {accepted} recorded, {received} received")


def _ticks(began: float) -> Iterator[float]:
    while time.monotonic() - began < _PATIENCE:
        yield time.monotonic()
        time.sleep(_POLL)
