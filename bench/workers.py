"""The real worker: Celery's processes, woken through a real Redis, as `nurture worker` runs."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from celery import Celery

from bench.sinks import wait_for_port
from nurture.broker.embedded import EmbeddedRedis, celery_url_of
from nurture.lifeline import tied_to_us

ROOT = Path(__file__).parent.parent
SECRET = "a-secret-that-signs-in-measurements-only"


@dataclass(frozen=True)
class Site:
    """Where a measured program runs: its directory, its clock, its Redis."""

    directory: Path
    redis: EmbeddedRedis
    settings: Mapping[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        """Return a process's environment, without any settings that happen to be in ours."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("NURTURE_")}
        own = {
            "NURTURE_DATA_DIR": str(self.directory),
            "NURTURE_REDIS_URL": self.redis.redis_url,
            "NURTURE_SECRET_KEY": SECRET,
            "NURTURE_BASE_URL": "https://emails.example.org",
            "PYTHONPATH": str(ROOT),
        }
        return {**clean, **own, **self.settings, **more}

    def wake(self, task: str) -> None:
        """Wake the workers as beat does."""
        app = Celery(broker=celery_url_of(self.redis.redis_url, self.directory))
        with app.connection_for_write() as connection:
            app.send_task(task, queue="nurture", connection=connection, ignore_result=True)


@contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    port: int | None = None,
    directory: Path = ROOT,
) -> Iterator[int]:
    """Run a program during the block, once it listens on its port, if any; yield its process ID."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=tied_to_us(),
        )
    try:
        if port is not None:
            wait_for_port(port, 30)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_worker(environment: Mapping[str, str], log: Path) -> Iterator[int]:
    """Run a worker and its children during the block; yield the parent's process ID."""
    with running(command_line("worker"), environment, log) as pid:
        yield pid


def command_line(program: str) -> list[str]:
    """Return the command line of a program."""
    return [sys.executable, "-m", "nurture", program]
