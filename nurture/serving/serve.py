"""Starting the tree, keeping it alive, and taking it down in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from nurture.domain.errors import NurtureError
from nurture.embedded_redis import EMBEDDED_IN, EmbeddedRedis, EmbeddedRedisError
from nurture.serving.children import Child
from nurture.serving.commands import beat_command, web_command, worker_command
from nurture.serving.welcome import welcome
from nurture.settings import Settings

#: Seconds in which the web side must answer at the start.
_START = 30.0

#: Seconds in which a worker may finish what it has in hand.
_FINISH = 25.0

_ROOT = Path(__file__).parent.parent.parent


class ServeError(NurtureError):
    """The program cannot be started."""


def serve(settings: Settings) -> int:
    """Run the whole program until it is told to stop; return the exit code.

    Everything that is started here is gone when this returns, and also when this
    process is killed.
    """
    settings = settings.model_copy(
        update={"data_dir": settings.data_dir.absolute(), "port": settings.port or _free_port()}
    )
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
        """Prepare, then start Redis first and the rest at once; return whether it could."""
        for signal_number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signal_number, self._be_told)
        self._logs.mkdir(exist_ok=True, mode=0o700)
        environment = _environment(self._settings)
        told = _prepare(environment)
        if told is None:
            return False
        if not self._settings.redis_url:
            self._redis = EmbeddedRedis.start(self._settings.data_dir / EMBEDDED_IN)
            environment["NURTURE_REDIS_URL"] = self._redis.redis_url
        programs = {"web": web_command, "worker": worker_command, "beat": beat_command}
        for name, command in programs.items():
            child = Child(name, command(self._settings), environment, self._logs)
            child.start()
            self._children.append(child)
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
                child.look_after()
            time.sleep(0.2)

    def stop(self) -> None:
        """Let everything finish what it has in hand; Redis goes last."""
        deadline = time.monotonic() + _FINISH
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            while child.alive() and time.monotonic() < deadline and self._told_to_stop < 2:
                time.sleep(0.05)
            child.wait(0)
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
        except EmbeddedRedisError as error:
            sys.stderr.write(f"nurture: {error}\n")
            time.sleep(1)

    def _wait_for_web(self) -> None:
        deadline = time.monotonic() + _START
        url = f"{self._settings.reached_at}/healthz"
        while not self._told_to_stop and not _answers(url):
            if not self._children[0].alive() or time.monotonic() > deadline:
                raise ServeError(
                    "The web side did not start.", remedy=f"See {self._logs / 'web.log'}."
                )
            time.sleep(0.05)


def _close_database(settings: Settings) -> None:
    """Whoever closes SQLite last folds its log into the file, which is then a whole backup."""
    from nurture.store.session import Database

    with suppress(NurtureError):
        database = Database(settings.database)
        if database.is_sqlite and database.exists():
            database.ping()
        database.close()


def _prepare(environment: Mapping[str, str]) -> dict[str, Any] | None:
    """What the welcome tells, or `None` where something is in the way, which has been said."""
    with tempfile.TemporaryDirectory() as directory:
        answer = Path(directory) / "answer"
        command = [sys.executable, "-m", "nurture.serving.preparing", str(answer)]
        if subprocess.run(command, env=dict(environment), check=False).returncode:
            return None
        told: dict[str, Any] = json.loads(answer.read_text())
        return told


def _environment(settings: Settings) -> dict[str, str]:
    """What the children are told: where everything is, whatever directory they run in."""
    return {
        **os.environ,
        "NURTURE_DATA_DIR": str(settings.data_dir),
        "NURTURE_PORT": str(settings.port),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])),
        "C_FORCE_ROOT": "1",
        # Many threads that each keep memory of their own would double what the web side holds.
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
    }


def _refuse_taken_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise ServeError(
                f"Nothing can listen on {settings.host}:{settings.port}: {error.strerror}.",
                remedy="Stop what runs there, or set NURTURE_PORT to another number.",
            ) from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=1) as response:
            return bool(response.status == 200)
    except OSError:
        return False
