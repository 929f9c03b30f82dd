"""Starting the tree, keeping it alive, and taking it down in order."""

import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

from nurture.domain.errors import NurtureError
from nurture.embedded_redis import EMBEDDED_IN, EmbeddedRedis, EmbeddedRedisError
from nurture.serving.children import STOPPING, Child
from nurture.serving.loading import load_everything
from nurture.serving.programs import run_beat, run_web, run_worker
from nurture.serving.welcome import welcome
from nurture.settings import Settings

#: Seconds in which the web side must answer at the start.
_START = 30.0

#: Seconds in which a worker may finish what it has in hand.
_FINISH = 25.0

_PROGRAMS = {"web": run_web, "worker": run_worker, "beat": run_beat}


class ServeError(NurtureError):
    """The program cannot be started."""


def serve(settings: Settings) -> int:
    """Run the whole program until it is told to stop; return the exit code.

    Everything that is started here is gone when this returns, and also when this
    process is killed. It runs in one thread, and changes the environment.
    """
    port = settings.port or _free_port(settings)
    settings = settings.model_copy(update={"data_dir": settings.data_dir.absolute(), "port": port})
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    _refuse_taken_port(settings)
    tree = _Tree(settings)
    try:
        if not tree.start():
            return 1
        tree.watch()
    finally:
        tree.stop()
    return 0


class _Tree:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._logs = settings.data_dir / "logs"
        self._redis: EmbeddedRedis | None = None
        self._children: list[Child] = []
        self._told_to_stop = 0

    def start(self) -> bool:
        """Redis, then all that is shared, then the programs; return whether it could."""
        for number in STOPPING:
            # Under `nohup` the end of the terminal is not meant for us.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._be_told)
        self._logs.mkdir(exist_ok=True, mode=0o700)
        _complete_environment(self._settings)
        if not self._settings.redis_url:
            self._redis = EmbeddedRedis.start(self._settings.data_dir / EMBEDDED_IN)
            os.environ["NURTURE_REDIS_URL"] = self._redis.redis_url
        load_everything()
        told = _prepare()
        if told is None or self._told_to_stop:
            return told is not None
        for name, run in _PROGRAMS.items():
            program = partial(run, self._settings)
            self._children.append(Child(name, program, self._logs, self._children))
        for child in self._children:
            child.start()
        self._wait_for_web()
        if not self._told_to_stop:
            sys.stdout.write(welcome(self._settings, told) + "\n")
            sys.stdout.flush()
        return True

    def watch(self) -> None:
        """Start again whatever dies, until told to stop."""
        while not self._told_to_stop:
            self._look_after_redis()
            for child in self._children:
                child.listen()
                child.look_after()
            time.sleep(0.2)

    def stop(self) -> None:
        """Let everything finish what it has in hand; Redis goes last."""
        deadline = time.monotonic() + _FINISH
        for child in self._children:
            child.ask_to_stop()
        while any(child.alive() for child in self._children) and self._told_to_stop < 2:
            for child in self._children:
                child.listen()
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        for child in self._children:
            child.end()
        if self._redis is not None:
            self._redis.stop()
        if self._children:
            _close_database(self._settings)

    def _be_told(self, number: int, frame: FrameType | None) -> None:
        self._told_to_stop += 1

    def _look_after_redis(self) -> None:
        if self._redis is None or self._redis.alive():
            return
        self._redis.stop()
        try:
            self._redis = EmbeddedRedis.start(self._settings.data_dir / EMBEDDED_IN)
        except (EmbeddedRedisError, OSError) as error:
            sys.stderr.write(f"nurture: {error}\n")
            time.sleep(1)

    def _wait_for_web(self) -> None:
        deadline = time.monotonic() + _START
        url = f"{self._settings.reached_at}/healthz"
        while not self._told_to_stop and not _answers(url):
            for child in self._children:
                child.listen()
            if not self._children[0].alive() or time.monotonic() > deadline:
                raise ServeError(
                    "The web side did not start.", remedy=f"See {self._logs / 'web.log'}."
                )
            time.sleep(0.02)


def _close_database(settings: Settings) -> None:
    """Whoever closes SQLite last folds its log into the file, which is then a whole backup."""
    from nurture.store.session import Database

    with suppress(NurtureError):
        database = Database(settings.database)
        if database.is_sqlite and database.exists():
            database.ping()
        database.close()


def _complete_environment(settings: Settings) -> None:
    """What the programs are to know, whatever directory they run in."""
    os.environ["NURTURE_DATA_DIR"] = str(settings.data_dir)
    os.environ["NURTURE_PORT"] = str(settings.port)


def _prepare() -> dict[str, Any] | None:
    # One of the programs alone, such as the alarm clock, needs nothing of what this imports.
    from nurture.serving.preparing import prepare_apart

    return prepare_apart()


def _refuse_taken_port(settings: Settings) -> None:
    with _probe(settings) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise ServeError(
                f"Nothing can listen on {settings.host}:{settings.port}: {error.strerror}.",
                remedy="Stop what runs there, or set NURTURE_PORT to another number.",
            ) from None


def _free_port(settings: Settings) -> int:
    with _probe(settings) as probe:
        probe.bind((settings.host, 0))
        return int(probe.getsockname()[1])


def _probe(settings: Settings) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=1) as response:
            return bool(response.status == 200)
    except OSError:
        return False
