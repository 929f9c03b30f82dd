"""Starting the process tree, keeping it alive, upgrading it, and stopping it in order."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from nurture.broker.embedded import EMBEDDED_IN, EmbeddedRedis, EmbeddedRedisError
from nurture.domain.errors import NurtureError
from nurture.files.disk import look
from nurture.serving.children import STOPPING, Child
from nurture.serving.handover import Handover, InheritedSibling, elders_of
from nurture.serving.loading import load_for_web, load_for_workers
from nurture.serving.programs import insist_on_shared_memory, run_beat, run_web, run_worker
from nurture.serving.web.server import listen, why
from nurture.serving.welcome import welcome
from nurture.settings import Settings

if TYPE_CHECKING:
    from nurture.serving.preparation import Preparation

#: Seconds within which the web side must answer at the start.
_START = 30.0

#: Seconds within which a worker may finish its current work.
_FINISH = 25.0

#: Seconds for which another program may still be releasing the port.
_PORT = 5.0

#: Bytes needed for the smallest start.
_ROOM = 1_000_000

_WORKERS = {"worker": run_worker, "beat": run_beat}


class ServeError(NurtureError):
    """The program cannot be started."""


def serve(settings: Settings) -> int:
    """Run the whole program until it is told to stop; return the exit code.

    Everything started here has ended when this returns, and also ends if this process is killed.
    It runs in one thread, and changes the environment.
    """
    handover = Handover.take()
    listener = socket.socket(fileno=handover.listener) if handover else _listen(settings)
    port = int(listener.getsockname()[1])
    settings = settings.model_copy(update={"data_dir": settings.data_dir.absolute(), "port": port})
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    _insist_on_room(settings.data_dir)
    insist_on_shared_memory()
    tree = _Tree(settings, listener, handover)
    try:
        if not tree.start():
            return 1
        tree.watch()
    finally:
        tree.stop()
    return 0


class _Tree:
    """All processes. `handover` is what an earlier version left before becoming this one."""

    def __init__(
        self, settings: Settings, listener: socket.socket, handover: Handover | None
    ) -> None:
        self._settings, self._listener, self._handover = settings, listener, handover
        self._logs = settings.data_dir / "logs"
        self._redis: EmbeddedRedis | None = None
        self._children: list[Child] = []
        self._elders = elders_of(handover, self._logs) if handover else []
        # Under `nohup`, the closing of the terminal is not meant for us.
        ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self._stays = handover.stays if handover else ignored or not _has_terminal()
        self._told_to_stop, self._told_to_renew = 0, False
        self._trial: subprocess.Popen[bytes] | None = None

    def start(self) -> bool:
        """Start Redis, load shared code, start the programs; return whether this succeeded."""
        for number in STOPPING:
            signal.signal(number, self._be_told)
        self._logs.mkdir(exist_ok=True, mode=0o700)
        _complete_environment(self._settings)
        if self._keeps_redis:
            self._redis = self._start_redis()
            os.environ["NURTURE_REDIS_URL"] = self._redis.redis_url
        preparation = None if self._handover else _begin_to_prepare()
        load_for_web()
        told = preparation.wait() if preparation else self._told_before
        if told is None or self._told_to_stop:
            return told is not None
        self._start_child("web", partial(run_web, self._settings, self._listener))
        load_for_workers()
        self._wait_for_web()
        for name, run in _WORKERS.items():
            if not self._told_to_stop:
                self._start_child(name, partial(_apart_from, self._listener, run, self._settings))
        if not self._told_to_stop:
            _say(welcome(self._settings, told))
        for elder in self._elders:
            elder.ask_to_stop()
        return True

    def watch(self) -> None:
        """Restart whatever dies, until told to stop."""
        while not self._told_to_stop:
            self._look_after_redis()
            for child in self._children:
                child.listen()
                child.look_after()
            self._see_off_elders()
            self._renew()
            time.sleep(0.2)

    def stop(self) -> None:
        """Let every program finish its current work; stop Redis last."""
        deadline = time.monotonic() + _FINISH
        # Visitors who come now are refused immediately, not left in a queue that nobody serves.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        everybody: list[Child | InheritedSibling] = [*self._children, *self._elders]
        for child in everybody:
            child.ask_to_stop()
        while any(child.alive() for child in everybody) and self._told_to_stop < 2:
            for child in everybody:
                child.listen()
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        for child in everybody:
            child.end()
        self._listener.close()
        if self._redis is not None:
            self._redis.stop()
        if self._children:
            _close_database(self._settings)

    def _be_told(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal: SIGHUP starts an upgrade unless it means that the terminal closed."""
        if number == signal.SIGHUP and (self._stays or _has_terminal()):
            self._told_to_renew = True
        else:
            self._told_to_stop += 1

    def _see_off_elders(self) -> None:
        """Remove children of the previous version that have finished their work."""
        for elder in list(self._elders):
            elder.listen()
            if not elder.alive():
                elder.end()
                self._elders.remove(elder)

    def _renew(self) -> None:
        """Test the version now installed, and become it if it can be started."""
        if self._told_to_renew and self._trial is None and not self._elders:
            self._told_to_renew = False
            _tell("The version that is installed now is tried before it takes over.")
            self._trial = subprocess.Popen(
                [sys.executable, "-m", "nurture.serving.trial"], stdout=subprocess.PIPE
            )
        if self._trial is None or self._trial.poll() is None:
            return
        trial, self._trial = self._trial, None
        said, _ = trial.communicate()
        if trial.returncode:
            _tell("It cannot be started, so the version that is running goes on.")
        elif all(child.handed for child in self._children):
            self._become(json.loads(said))

    def _become(self, told: dict[str, Any]) -> None:
        children = tuple(filter(None, (child.handed for child in self._children)))
        redis = self._redis.pid if self._redis else None
        Handover(self._listener.fileno(), redis, children, told, self._stays).give()
        if self._keeps_redis:
            os.environ.pop("NURTURE_REDIS_URL", None)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])

    def _start_child(self, name: str, program: Callable[[], int]) -> None:
        self._children.append(Child(name, program, self._logs, self._children))
        self._children[-1].start()

    @property
    def _told_before(self) -> dict[str, Any] | None:
        """What the trial of this version reported before the previous version became it."""
        return self._handover.told if self._handover else None

    @property
    def _keeps_redis(self) -> bool:
        return not self._settings.redis_url

    def _start_redis(self) -> EmbeddedRedis:
        directory = self._settings.data_dir / EMBEDDED_IN
        if self._handover and self._handover.redis:
            return EmbeddedRedis.adopt(directory, self._handover.redis)
        return EmbeddedRedis.start(directory)

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
        web = self._children[0]
        while not self._told_to_stop and not web.ready:
            for child in self._children:
                child.listen()
            for elder in self._elders:
                elder.listen()
            if not web.alive() or time.monotonic() > deadline:
                raise ServeError(
                    "The web side did not start.", remedy=f"See {self._logs / 'web.log'}."
                )
            time.sleep(0.02)


def _apart_from(listener: socket.socket, run: Callable[[Settings], int], settings: Settings) -> int:
    """Run a program that serves no visitors, closing the listening socket first."""
    listener.close()
    return run(settings)


def _close_database(settings: Settings) -> None:
    """Close SQLite last, merging its log into the file, which is then a whole backup."""
    from nurture.store.database import Database

    with suppress(NurtureError):
        database = Database(settings.database)
        if database.is_sqlite and database.exists():
            database.ping()
        database.close()


def _complete_environment(settings: Settings) -> None:
    """Set environment variables so that the programs work in any directory."""
    os.environ["NURTURE_DATA_DIR"] = str(settings.data_dir)
    os.environ["NURTURE_PORT"] = str(settings.port)


def _begin_to_prepare() -> "Preparation":
    # A program started alone, such as the scheduler, needs nothing that this imports.
    from nurture.serving.preparation import Preparation

    return Preparation()


def _listen(settings: Settings) -> socket.socket:
    """Open the listening socket, waiting for a program that is just releasing the port."""
    deadline = time.monotonic() + _PORT
    while True:
        try:
            return listen(settings.host, settings.port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise ServeError(
                    f"Nothing can listen on {settings.host}:{settings.port}: {why(error)}.",
                    remedy="Stop what runs there, or set NURTURE_PORT to another number.",
                ) from None
        time.sleep(0.1)


def _insist_on_room(data_dir: Path) -> None:
    """Report a full disk as such; Redis and the database would each report something else."""
    free = look(data_dir).free
    if free < _ROOM or not os.access(data_dir, os.W_OK):
        full = free < _ROOM
        raise ServeError(
            f"Nothing can be kept in {data_dir}: "
            + ("its disk is full." if full else "it cannot be written to."),
            remedy="Make room there; nothing that was kept is lost."
            if full
            else "Let this user write to it, or mount its file system for writing.",
        )


def _has_terminal() -> bool:
    """Return whether this process has a terminal that still exists."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _say(said: str) -> None:
    """Print to standard output, ignoring failures to write."""
    with suppress(OSError):
        # Python's own buffer would retain what cannot be written, and try again at the end.
        os.write(1, f"{said}\n".encode(sys.stdout.encoding, "replace"))


def _tell(said: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(f"nurture: {said}\n")
        sys.stderr.flush()
