"""Child processes that are forked from this one, and forked again if they die."""

import multiprocessing
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.context import ForkProcess
from pathlib import Path

from nurture.lifeline import die_with_parent, outlive_nobody
from nurture.serving.handover import InheritedChild
from nurture.serving.kernel import name_process
from nurture.serving.logs import Lines, Log
from nurture.serving.web.server import READY

#: A child that has lived this many seconds counts as healthy again.
_SOUND_AFTER = 60.0

#: A line that begins an entry worth showing immediately; tracebacks below it stay in the log file.
_MATTERS = re.compile(rb"^\[.*\b(WARNING|ERROR|CRITICAL)\b|^nurture:")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0

#: The signals that tell us to stop.
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_FORK = multiprocessing.get_context("fork")


class Child:
    """One program of the tree. Its output goes to a log file and, if it matters, to the terminal.

    It begins as a copy of this process, which must therefore have no second thread.
    `siblings` are all children, including this one.
    """

    def __init__(
        self, name: str, program: Callable[[], int], logs: Path, siblings: Sequence["Child"]
    ) -> None:
        self.name = name
        self._program, self._siblings = program, siblings
        self._log = Log(logs / f"{name}.log")
        self._process: ForkProcess | None = None
        self._output = Lines()
        self._started = 0.0
        self._pause = _FIRST_PAUSE
        self._not_before = 0.0
        self._stopping = False
        self.ready = False

    @property
    def handed(self) -> InheritedChild | None:
        """What the next version must know about this child, while it runs."""
        if self._process is None or self._process.pid is None or self._output.source is None:
            return None
        return InheritedChild(self.name, self._process.pid, self._output.source)

    def start(self) -> None:
        """Start the child, isolated from the terminal's Ctrl-C and unable to outlive us."""
        self._output, theirs = Lines.piped()
        self.ready = False
        process = _FORK.Process(target=self._live, args=(theirs, os.getpid()))
        # A signal that arrives before the child has its own handlers must not get lost in ours.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            process.start()
        except BaseException:
            self._output.close()
            raise
        finally:
            os.close(theirs)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        self._process, self._started = process, time.monotonic()

    def alive(self) -> bool:
        """Return whether it is running."""
        return self._process is not None and self._process.is_alive()

    def look_after(self) -> None:
        """Restart the child if it has died, after a pause that grows while it keeps dying."""
        now = time.monotonic()
        if self.alive():
            if now - self._started > _SOUND_AFTER:
                self._pause = _FIRST_PAUSE
        elif self._not_before == 0.0:
            self._sweep_up()
            self._not_before = now + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            _tell(f"{self.name} has stopped and is started again; see {self._log.path}")
        elif now >= self._not_before:
            self._not_before = 0.0
            with suppress(OSError):  # A machine that is out of memory may have some later.
                self.start()

    def listen(self) -> None:
        """Log the output received so far, and show warnings and errors immediately."""
        for line in self._output.read():
            self._log.write(line)
            self.ready = self.ready or line.strip() == READY.encode()
            if _MATTERS.search(line) and not self._stopping:
                _tell(f"{self.name} | {line.decode(errors='replace').rstrip()}")

    def ask_to_stop(self) -> None:
        """Ask the child to finish its current work and exit; its output is now only logged."""
        self._stopping = True
        if self._process is not None and self.alive():
            self._process.terminate()

    def end(self) -> None:
        """Kill the child if it is still running."""
        self._sweep_up()
        self._log.close()

    def _sweep_up(self) -> None:
        """Kill every process in its session, including those it started."""
        if self._process is None or self._process.pid is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self._process = None
        self.listen()
        self.listen()  # The first call reads what has come, the second finds the end.
        self._output.close()

    def _live(self, output: int, parent: int) -> None:
        """Become the program, in the child process."""
        os.setsid()
        die_with_parent(parent)
        outlive_nobody(parent)
        for number in STOPPING:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        for child in self._siblings:
            child._output.close()
            child._log.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for mine, standard in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(mine, standard)
        os.close(nothing)
        os.close(output)
        name_process(f"nurture {self.name}")
        sys.exit(self._program())


def _tell(said: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(said + "\n")
        sys.stderr.flush()
