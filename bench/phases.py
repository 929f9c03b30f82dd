"""Where the time of a message goes, measured by wrapping the parts of one worker process.

Nothing in the program is changed: its transactions, its mailer, its signer and its prepared
emails are wrapped from outside, in a separate run.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import median
from typing import Any
from unittest.mock import patch

from bench.people import enrol, settle, wave
from bench.sinks import sink_named
from bench.stores import Store
from bench.workers import Site
from nurture.bootstrap import Context, build
from nurture.mail.mailer import Envelope, Mailer, Outcome
from nurture.rendering.message import PreparedEmail, Recipient
from nurture.services.delivery.batch import deliver_batch
from nurture.services.delivery.dispatch import Dispatch
from nurture.settings import load_settings
from nurture.store.database import Database
from tests.servers.clock import ClockFile

PHASES = ("claim", "render", "sign", "smtp", "record", "rest")


@dataclass
class Stopwatch:
    """Wall and processor seconds by phase; a nested phase counts only for itself."""

    wall: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))
    cpu: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))
    _stack: list[str] = field(default_factory=list)
    _wall_at: float = 0.0
    _cpu_at: float = 0.0

    def enter(self, phase: str) -> None:
        """Start counting time for that phase."""
        self._note()
        self._stack.append(phase)

    def leave(self) -> None:
        """Return to counting time for the enclosing phase."""
        self._note()
        self._stack.pop()

    def timed(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap the function so that its time counts for that phase."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.enter(phase)
            try:
                return function(*args, **kwargs)
            finally:
                self.leave()

        return wrapped

    def _note(self) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        if self._stack:
            self.wall[self._stack[-1]] += wall - self._wall_at
            self.cpu[self._stack[-1]] += cpu - self._cpu_at
        self._wall_at, self._cpu_at = wall, cpu


class _WatchedDatabase:
    """A database wrapper: transactions before sending count as claiming, later as recording."""

    def __init__(self, database: Database, watch: Stopwatch) -> None:
        self._database, self._watch = database, watch
        self.phase = "claim"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Time a reading transaction."""
        with self._timed(self._database.reading()) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """Time a writing transaction."""
        with self._timed(self._database.writing()) as connection:
            yield connection

    @contextmanager
    def _timed(self, transaction: Any) -> Iterator[Any]:
        self._watch.enter(self.phase)
        try:
            with transaction as connection:
                yield connection
        finally:
            self._watch.leave()


class _WatchedMailer:
    """A mailer wrapper that counts the mailer's own time as SMTP, without that of its callbacks."""

    def __init__(self, mailer: Mailer, database: _WatchedDatabase, watch: Stopwatch) -> None:
        self._mailer, self._database, self._watch = mailer, database, watch

    def offer(
        self, envelopes: Iterator[Envelope], connections: int | None = None
    ) -> Iterator[Outcome]:
        """Offer, timed from the first pull to the last outcome."""
        self._database.phase = "record"
        outcomes = self._mailer.offer(self._pulled(envelopes), connections)
        while True:
            self._watch.enter("smtp")
            try:
                outcome = next(outcomes)
            except StopIteration:
                return
            finally:
                self._watch.leave()
            yield outcome

    def close(self) -> None:
        """Close the mailer."""
        self._mailer.close()

    def _pulled(self, envelopes: Iterator[Envelope]) -> Iterator[Envelope]:
        while True:
            self._watch.enter("rest")
            try:
                envelope = next(envelopes)
            except StopIteration:
                return
            finally:
                self._watch.leave()
            yield envelope


def measure(
    store: Store, site: Site, key: dict[str, str], size: int, rounds: int
) -> dict[str, Any]:
    """Return microseconds per message by phase, wall and CPU; medians of two waves a round."""
    with prepared_context(store, site, key, size, rounds, "light") as (context, clock):
        watched = []
        for number in range(1, 2 * rounds + 1):
            clock.set(wave(number))
            watched.append(_drain_watched(context.dispatch, size))
    wall = {p: median(w.wall[p] for w in watched) * 1e6 / size for p in PHASES}
    cpu = {p: median(w.cpu[p] for w in watched) * 1e6 / size for p in PHASES}
    return {"store": store.kind, "wall": wall, "cpu": cpu}


@contextmanager
def prepared_context(
    store: Store, site: Site, key: dict[str, str], size: int, rounds: int, sink_name: str
) -> Iterator[tuple[Context, ClockFile]]:
    """Build one process's app with two waves of due enrolments per round, warmed up."""
    with store.fresh() as database, sink_named(sink_name) as sink:
        enrol(database, 1, 500, wave(0))
        for number in range(2 * rounds):
            enrol(database, 501 + number * size, size, wave(number + 1))
        settle(database)
        clock = ClockFile(site.directory / "clock-of-phases", wave(0))
        own = {"NURTURE_DATABASE_URL": database.url, "NURTURE_SMTP_URL": sink.url}
        context = build(
            load_settings(site.environment(**own, NURTURE_CLOCK=str(clock.path), **key))
        )
        drain(context.dispatch)
        try:
            yield context, clock
        finally:
            context.dispatch.mailer.close()
            context.database.close()


def drain(dispatch: Dispatch) -> float:
    """Deliver until nothing is due; return the seconds it took."""
    began = time.perf_counter()
    while deliver_batch(dispatch).looked_at:
        pass
    return time.perf_counter() - began


def _drain_watched(dispatch: Dispatch, size: int) -> Stopwatch:
    watch = Stopwatch()
    database = _WatchedDatabase(dispatch.database, watch)
    mailer = _WatchedMailer(dispatch.mailer, database, watch)

    def sign(data: bytes) -> bytes:
        watch.enter("sign")
        try:
            return dispatch.sign(data)
        finally:
            watch.leave()

    watched: Any = replace(dispatch, database=database, mailer=mailer, sign=sign)  # type: ignore[arg-type]
    message: Callable[[PreparedEmail, Recipient, datetime], bytes] = PreparedEmail.message
    with patch.object(PreparedEmail, "message", watch.timed("render", message)):
        looked_at = 1
        while looked_at:
            database.phase = "claim"
            watch.enter("rest")
            looked_at = deliver_batch(watched).looked_at
            watch.leave()
    return watch
