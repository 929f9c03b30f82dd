"""The cost of looking for work when many people are enrolled and few or none are due."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from statistics import median
from typing import Any

from bench.people import LONG_BEFORE, enrol, settle, spread_looks, wave
from bench.sinks import LightSink
from bench.stores import Store
from bench.workers import Site
from nurture.bootstrap import build
from nurture.services.delivery.batch import deliver_batch
from nurture.services.delivery.dispatch import Dispatch
from nurture.services.delivery.sweep import batches_due
from nurture.settings import load_settings
from nurture.store.database import Database
from tests.servers.clock import ClockFile

DUE = 500
_ROUNDS = 3
_CALLS = 100


def measure(store: Store, site: Site, sizes: list[int]) -> Iterator[dict[str, Any]]:
    """Yield, for each number of enrolments, the milliseconds a sweep and a batch take."""
    sink = LightSink()
    with store.fresh() as database:
        clock = ClockFile(site.directory / f"clock-of-sweeps-{store.kind}", LONG_BEFORE)
        own = {"NURTURE_DATABASE_URL": database.url, "NURTURE_SMTP_URL": sink.url}
        context = build(load_settings(site.environment(**own, NURTURE_CLOCK=str(clock.path))))
        try:
            crowd = _Crowd(database)
            for size in sizes:
                crowd.grow_to(size)
                yield {"store": store.kind, "enrolled": size} | _of(context.dispatch, clock, crowd)
        finally:
            context.dispatch.mailer.close()
            context.database.close()
            sink.stop()


class _Crowd:
    """The people in the database so far; those who are due come in separate waves."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next = 1
        self.waves = 0

    def grow_to(self, size: int) -> None:
        """Enrol people up to that number, none of them due during the measurement."""
        first, more = self._next, size - self._next + 1
        enrol(self._database, first, more, wave(0) + timedelta(days=1))
        spread_looks(self._database, first, more, timedelta(days=28))
        self._next += more
        settle(self._database)

    def make_due(self) -> None:
        """Enrol 500 more, due in the next wave."""
        self.waves += 1
        enrol(self._database, self._next, DUE, wave(self.waves))
        self._next += DUE


def _of(dispatch: Dispatch, clock: ClockFile, crowd: _Crowd) -> dict[str, float]:
    idle = {
        "sweep_idle": _milliseconds(lambda: batches_due(dispatch)),
        "batch_idle": _milliseconds(lambda: deliver_batch(dispatch)),
    }
    sweeps, batches = [], []
    for number in range(_ROUNDS + 1):
        crowd.make_due()
        clock.set(wave(crowd.waves))
        sweeps.append(_milliseconds(lambda: batches_due(dispatch), calls=10))
        batches.append(_milliseconds(lambda: deliver_batch(dispatch), calls=1))
        if not number:  # The first one prepares the email and connects.
            sweeps.clear()
            batches.clear()
    return idle | {"sweep_due": median(sweeps), "batch_due": median(batches)}


def _milliseconds(work: Callable[[], object], calls: int = _CALLS) -> float:
    """Return the median time of that many calls."""
    taken = []
    for _ in range(calls):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken) * 1000
