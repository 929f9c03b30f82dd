"""Child processes that are started again when they die."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

from nurture.lifeline import tied_to_us

#: A child that lived this many seconds is taken to be sound again.
_SOUND_AFTER = 60.0

#: A line that begins an entry worth reading at once; tracebacks below it stay in the log file.
_MATTERS = re.compile(rb"^\[.*\b(WARNING|ERROR|CRITICAL)\b|^nurture:")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


class Child:
    """One program of the tree. Its output goes to a log file, and to the terminal line by line."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], logs: Path
    ) -> None:
        self.name = name
        self._command, self._environment = command, environment
        self._log = logs / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = _FIRST_PAUSE
        self._not_before = 0.0
        self._stopping = False

    def start(self) -> None:
        """Start it, out of reach of the terminal's Ctrl-C and unable to outlive us."""
        self._process = subprocess.Popen(
            self._command,
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=tied_to_us(),
        )
        self._started = time.monotonic()
        assert self._process.stdout is not None
        Thread(target=self._pass_on, args=(self._process.stdout,), daemon=True).start()

    def alive(self) -> bool:
        """Whether it is running."""
        return self._process is not None and self._process.poll() is None

    def look_after(self) -> None:
        """Start it again if it has died, after a pause that grows while it keeps dying."""
        now = time.monotonic()
        if self.alive():
            if now - self._started > _SOUND_AFTER:
                self._pause = _FIRST_PAUSE
        elif self._not_before == 0.0:
            self._sweep_up()
            self._not_before = now + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            _tell(f"{self.name} has stopped and is started again; see {self._log}")
        elif now >= self._not_before:
            self._not_before = 0.0
            self.start()

    def ask_to_stop(self) -> None:
        """Ask it to finish what it has in hand and end; what it says to that goes to its log."""
        self._stopping = True
        if self.alive():
            assert self._process is not None
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, and end it by force when that takes too long."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self._sweep_up()

    def _sweep_up(self) -> None:
        """Whatever it started shares its session and goes with it."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _pass_on(self, output: IO[bytes]) -> None:
        """Read on whatever happens: a child whose output nobody takes stands still."""
        with self._log.open("ab", buffering=0) as log:
            for line in output:
                with suppress(OSError):
                    log.write(line)
                if _MATTERS.search(line) and not self._stopping:
                    _tell(f"{self.name} | {line.decode(errors='replace').rstrip()}")


def _tell(said: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(said + "\n")
        sys.stderr.flush()
