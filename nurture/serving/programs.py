"""The programs that the tree is made of. Each runs in this process until it is told to stop."""

import multiprocessing
import os
import socket
import sys
import warnings
from functools import partial
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from nurture.lifeline import die_with_parent
from nurture.serving.kernel import share_one_heap
from nurture.serving.loading import load_app, ours
from nurture.settings import Settings

#: Threads that answer requests; most of them wait for the database for a millisecond.
_WEB_THREADS = 12


def run_web(settings: Settings) -> int:
    """The web side: one process, many threads; finishes what is in flight when told to stop."""
    share_one_heap()
    multiprocessing.set_start_method("fork", force=True)
    server = Server(
        "webhooks:create_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        blocking_threads=_WEB_THREADS,
        websockets=False,
        backlog=1024,
        backpressure=256,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels.error,
    )
    server.serve(target_loader=partial(_application, os.getpid()), wrap_loader=False)
    return 0


def run_worker(settings: Settings, **options: Any) -> int:
    """A worker with its child processes; children that died are replaced by Celery."""
    # Told by SIGHUP to begin afresh, Celery runs the interpreter with these arguments.
    sys.argv = ["-m", "nurture", "worker"]
    # In a container everything runs as root, and this worker takes no pickles.
    warnings.filterwarnings("ignore", "You're running the worker with superuser privileges")
    worker = load_app().Worker(
        hostname=f"nurture@{socket.gethostname()}",
        pool_cls="prefork",
        concurrency=settings.worker_processes,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
        **options,
    )
    worker.start()
    return worker.exitcode or 0


def run_beat(settings: Settings) -> int:
    """The alarm clock; it keeps nothing on disk."""
    load_app().Beat(loglevel="WARNING", quiet=True).run()
    return 0


def _application(parent: int) -> Any:
    """What the web side's own child process answers with."""
    die_with_parent(parent)
    load_app()
    return ours("webhooks").create_app()
