"""The programs that make up the tree. Each runs in this process until it is told to stop."""

import signal
import socket
import sys
import warnings
from typing import Any

from nurture.domain.errors import NurtureError
from nurture.services.health.finding import FindingLevel
from nurture.services.health.machine import shared_memory
from nurture.serving.kernel import allow_many_files, root_trouble, share_one_heap
from nurture.serving.loading import load_app, ours
from nurture.serving.web.connection import WaitingConnections
from nurture.serving.web.front import Front
from nurture.serving.web.server import Server, listen, why
from nurture.serving.withdrawals import start_copying
from nurture.settings import Settings

#: Open files other than connections: libraries, logs, the database, journals, guides.
_OTHER_FILES = 256


class ListeningError(NurtureError):
    """The web side cannot listen, so no visitor could reach it."""


class NoSharedMemoryError(NurtureError):
    """There is no shared memory, so no worker can run."""


def run_web(settings: Settings, listener: socket.socket | None = None) -> int:
    """Run the web side: one process, with an event loop for visitors and threads for the answers.

    On a signal to stop it finishes the requests in progress. If a supervisor is already listening,
    its `listener` is used, so that visitors wait only a moment while this process is replaced.
    """
    share_one_heap()
    if trouble := root_trouble():
        sys.stderr.write(f"nurture: {trouble}\n")
    most = max(allow_many_files() - _OTHER_FILES, 64)
    load_app()
    app = ours("webhooks").create_app()
    context = app.extensions["context"]
    front = Front(app, lambda who: context.crowded.note(context.clock(), who=who))
    crowd = WaitingConnections.of(most, proxied=settings.trusted_proxies > 0)
    with listener or _listen(settings) as socket_:
        server = Server(front, crowd, alone=listener is None)
        # Otherwise the server would raise the signal again when done, and end this process.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, server.handle_exit)
        start_copying(context)
        server.run([socket_])
    front.close()
    return 0


def _listen(settings: Settings) -> socket.socket:
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        raise ListeningError(
            f"Nothing can listen on {settings.host}:{settings.port}: {why(error)}.",
            remedy="Stop what runs there, or set NURTURE_PORT to another number.",
        ) from None


def insist_on_shared_memory() -> None:
    """Raise `NoSharedMemoryError` if workers would exit immediately after starting."""
    for found in shared_memory():
        if found.level is FindingLevel.FAILURE:
            raise NoSharedMemoryError(found.sentence, remedy=found.remedy)


def run_worker(settings: Settings, **options: Any) -> int:
    """Run a worker with its child processes; Celery replaces children that have died."""
    insist_on_shared_memory()
    # When SIGHUP tells it to restart, Celery runs the interpreter with these arguments.
    sys.argv = ["-m", "nurture", "worker"]
    # In a container everything runs as root, and this worker accepts no pickles.
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
    """Run beat, the scheduler; it stores nothing on disk."""
    load_app().Beat(loglevel="WARNING", quiet=True).run()
    return 0
