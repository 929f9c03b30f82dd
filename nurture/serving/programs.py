"""The programs that the tree is made of. Each runs in this process until it is told to stop."""

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

#: Files that are no connections: libraries, logs, the database, journals, guides.
_OTHER_FILES = 256


class ListeningError(NurtureError):
    """Nobody could reach the web side."""


class NoSharedMemoryError(NurtureError):
    """No worker can run."""


def run_web(settings: Settings, listener: socket.socket | None = None) -> int:
    """The web side: one process, an event loop for visitors and threads for the answers.

    It finishes what is in flight when it is told to stop. Where a supervisor listens already,
    its `listener` is used, so that visitors wait a moment while this process is replaced.
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
        # Else the server would end this process by the signal once more when it has finished.
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
    """Raise `NoSharedMemoryError` where workers would end as soon as they have begun."""
    for found in shared_memory():
        if found.level is FindingLevel.FAILURE:
            raise NoSharedMemoryError(found.sentence, remedy=found.remedy)


def run_worker(settings: Settings, **options: Any) -> int:
    """A worker with its child processes; children that died are replaced by Celery."""
    insist_on_shared_memory()
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
