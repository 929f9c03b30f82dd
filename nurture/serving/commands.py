"""The programs that the tree is made of, as command lines."""

import sys

from nurture.settings import Settings

#: Threads that answer requests; most of them wait for the database for a millisecond.
_WEB_THREADS = 12


def web_command(settings: Settings) -> list[str]:
    """The web side: one process, many threads; finishes what is in flight when told to stop."""
    return [
        *(sys.executable, "-m", "granian", "webhooks:create_app", "--factory"),
        *("--interface", "wsgi", "--host", settings.host, "--port", str(settings.port)),
        *("--workers", "1", "--blocking-threads", str(_WEB_THREADS), "--no-ws"),
        *("--backlog", "1024", "--backpressure", "256", "--respawn-failed-workers"),
        *("--workers-kill-timeout", "10", "--no-access-log", "--log-level", "error"),
    ]


def worker_command(settings: Settings) -> list[str]:
    """A worker with its child processes; children that died are replaced by Celery."""
    return [
        *_celery("worker"),
        *("--pool", "prefork"),
        *("--concurrency", str(settings.worker_processes), "--loglevel", "warning"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        *("--hostname", "nurture@%h"),
    ]


def beat_command(settings: Settings) -> list[str]:
    """The alarm clock; it keeps nothing on disk."""
    return [
        *_celery("beat"),
        *("--loglevel", "warning", "--pidfile", ""),
    ]


def _celery(what: str) -> list[str]:
    """Celery without its banner, and without its advice not to run as root in a container."""
    return [
        *(sys.executable, "-W", "ignore:You're running the worker with superuser privileges"),
        *("-m", "celery", "--quiet", "-A", "tasks", what),
    ]
