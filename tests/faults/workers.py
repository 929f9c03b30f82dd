"""Workers meant to be killed: plain processes, and the real Celery ones."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self

from sqlalchemy import select, update

from nurture.clock import real_now
from nurture.lifeline import die_with_parent, tied_to_us
from nurture.services.delivery import batch, sweep
from nurture.services.delivery.dispatch import Dispatch
from nurture.store.tables.messages import messages
from tests.installation import Installation

_FORK = multiprocessing.get_context("fork")
_ROOT = Path(__file__).parents[2]

#: Between two looks of a plain worker that has nothing to do.
_LOOK_EVERY = 0.05

Work = Callable[[Installation], None]


def work_for_ever(home: Installation) -> None:
    """Sweep and deliver, as the tasks do, until killed."""
    dispatch = home.context.dispatch
    while True:
        for _ in range(sweep.batches_due(dispatch)):
            while batch.deliver_batch(dispatch).full:
                pass
        time.sleep(_LOOK_EVERY)


@dataclass
class PlainWorkers:
    """Processes that do what a worker does, without Celery; killed when the block ends."""

    home: Installation
    work: Work = work_for_ever
    settings: dict[str, str] = field(default_factory=dict)
    _running: list[multiprocessing.process.BaseProcess] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Enter the block; nothing runs yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no process behind."""
        self.kill_all()

    def start(self, count: int = 1) -> list[int]:
        """Start that many more; return their process IDs."""
        started = [_FORK.Process(target=self._run, args=(os.getpid(),)) for _ in range(count)]
        for process in started:
            process.start()
        self._running += started
        return [process.pid or 0 for process in started]

    def pids(self) -> list[int]:
        """Return the IDs of the live processes."""
        return [p.pid for p in self._running if p.pid and p.is_alive()]

    def kill(self, pid: int) -> None:
        """Kill one immediately, without any clean-up."""
        [process] = [p for p in self._running if p.pid == pid]
        process.kill()
        process.join()
        self._running.remove(process)

    def kill_all(self) -> None:
        """Kill all of them."""
        for pid in self.pids():
            self.kill(pid)

    def wait(self, seconds: float = 30) -> list[int | None]:
        """Wait until all have ended; return their exit codes."""
        for process in self._running:
            process.join(seconds)
        codes = [process.exitcode for process in self._running]
        self._running.clear()
        return codes

    def _run(self, parent: int) -> None:
        die_with_parent(parent, signal.SIGKILL)
        home = self.home
        own = Installation(home.url, home.directory, home.clock, home.smtp_url, dict(home.settings))
        own.settings = dict(home.settings) | self.settings
        self.work(own)


class Program:
    """One program of the real tree (a Celery worker, the beat) with everything it starts."""

    def __init__(self, home: Installation, name: str, command: Sequence[str] = ()) -> None:
        self.log = home.directory / f"{name}.log"
        self._home = home
        self._command = [sys.executable, *(command or ("-m", "nurture", name))]

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it and all that it started."""
        self.kill()

    def start(self) -> None:
        """Start it, or start it again."""
        environment = os.environ | self._home.environment | _PYTHON
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._home.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=tied_to_us(),
            )

    @property
    def pid(self) -> int:
        """The parent's process ID."""
        return self._process.pid

    def alive(self) -> bool:
        """Return whether the parent is running."""
        return self._process.poll() is None

    def children(self) -> list[int]:
        """Return the process IDs of what it has started."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        with suppress(FileNotFoundError):
            return [int(number) for number in found.read_text().split()]
        return []

    def kill_parent(self) -> None:
        """Kill only the parent; dealing with its children is left to the program."""
        self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        """Kill the whole group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


def celery_worker(home: Installation, queue: str = "") -> Program:
    """Run a real worker with its children, possibly on another queue."""
    return Program(home, "worker", ["-c", _FROM_QUEUE, queue] if queue else ())


def celery_beat(home: Installation) -> Program:
    """Run a real beat."""
    return Program(home, "beat")


_PYTHON = {"PYTHONPATH": str(_ROOT)}

_FROM_QUEUE = """
import sys
from nurture.serving.programs import run_worker
from nurture.settings import load_settings
run_worker(load_settings(), queues=sys.argv[1])
"""


def expire_leases(home: Installation, ago: timedelta = timedelta(hours=1)) -> None:
    """Expire the leases of workers, as if not heard of for a long time; only once all are dead."""
    with home.context.database.writing() as connection:
        long_ago = real_now() - ago
        leased = select(messages.c.id).where(messages.c.lease_until.is_not(None))
        # A lease expires without waiting for anyone, so it must not take part in a deadlock either.
        free = messages.c.id.in_(leased.with_for_update(skip_locked=True, key_share=True))
        connection.execute(update(messages).where(free).values(lease_until=long_ago))


def until(holds: Callable[[], bool], seconds: float = 20, every: float = 0.02) -> float:
    """Wait until a condition holds, and return how long it took; fail if it takes too long."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"it does not hold after {seconds} s")
        time.sleep(every)
    return time.monotonic() - began


def finished(dispatch: Dispatch) -> bool:
    """Return whether nothing is due and nothing is in progress."""
    from nurture.services.reports import status

    now = dispatch.clock()
    standing = status.status(dispatch.database, dispatch.fingerprint, dispatch.witness, now)
    return not standing["due_now"]
