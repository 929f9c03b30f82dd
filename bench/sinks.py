"""Mail servers to send to, each in a separate process, on this machine only."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nurture.lifeline import tied_to_us


class LightSink:
    """The sink of `bench.sink_server`; `delay` is in seconds."""

    def __init__(self, delay: float = 0.0, *, tell: bool = False) -> None:
        options = ["--delay", str(delay), *(["--tell"] if tell else [])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.sink_server", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=tied_to_us(),
        )
        assert self._process.stdin and self._process.stdout
        self._asks, self.says = self._process.stdin, self._process.stdout
        self.port = int(self.says.readline())

    @property
    def url(self) -> str:
        """The URL for NURTURE_SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The ID of the process that accepts the emails."""
        return self._process.pid

    def taken(self) -> int | None:
        """Return how many messages it has accepted so far; unavailable with `tell`."""
        self._asks.write(b"?\n")
        self._asks.flush()
        return int(self.says.readline())

    def stop(self) -> None:
        """Stop it."""
        self._asks.close()
        self._process.wait(5)
        self.says.close()


class PostfixSink:
    """Postfix's own `smtp-sink`, which counts nothing."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            [postfix_sink() or "smtp-sink", f"127.0.0.1:{self.port}", "512"],
            stderr=subprocess.DEVNULL,
            preexec_fn=tied_to_us(),
            **_not_root(),
        )
        wait_for_port(self.port)

    @property
    def url(self) -> str:
        """The URL for NURTURE_SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The ID of the process that accepts the emails."""
        return self._process.pid

    def taken(self) -> int | None:
        """Return None, as it does not count."""
        return None

    def stop(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(5)


Sink = LightSink | PostfixSink


def postfix_sink() -> str | None:
    """Return the path of `smtp-sink` if it is installed (on Debian, by the package postfix)."""
    return shutil.which("smtp-sink", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


@contextmanager
def sink_named(name: str) -> Iterator[Sink]:
    """Start one of `light`, `20 ms` and `smtp-sink`."""
    sink: Sink = PostfixSink() if name == "smtp-sink" else LightSink(_DELAYS[name])
    try:
        yield sink
    finally:
        sink.stop()


_DELAYS = {"light": 0.0, "20 ms": 0.02}


def free_port() -> int:
    """Return a port on which nothing is currently listening."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _not_root() -> dict[str, Any]:
    """Return options for running it as another user: it refuses to be root, and need not be."""
    return {} if os.geteuid() else {"user": "nobody", "group": "nogroup", "cwd": "/"}


def wait_for_port(port: int, seconds: float = 5) -> None:
    """Wait until a server listens there, or raise the last connection error."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
