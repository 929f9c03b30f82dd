"""What a supervisor passes to the version replacing it, so that nothing is interrupted.

It executes the new program under the same process ID, so its children remain its children.
Their IDs, their output pipes and the listening socket are passed on in the environment.
"""

import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from nurture.serving.logs import Lines, Log

_IN = "HANDED_ON_BY_NURTURE"


@dataclass(frozen=True, slots=True)
class InheritedChild:
    """One child: its name, its process ID and the read end of its output pipe."""

    name: str
    pid: int
    output: int


@dataclass(frozen=True, slots=True)
class Handover:
    """The listening socket, the embedded Redis server, if any, and all other children.

    `told` is what to report about the new version, which has already been prepared, and `stays`
    is whether the program was started to keep running when its terminal closes.
    """

    listener: int
    redis: int | None
    children: tuple[InheritedChild, ...]
    told: dict[str, Any]
    stays: bool

    def give(self) -> None:
        """Leave the handover in the environment for the program executed next."""
        for file in (self.listener, *(child.output for child in self.children)):
            os.set_inheritable(file, True)
        os.environ[_IN] = json.dumps(asdict(self))

    @classmethod
    def take(cls) -> Self | None:
        """Take the handover that an earlier version left for this process, if any; only once."""
        left = os.environ.pop(_IN, "")
        if not left:
            return None
        found: dict[str, Any] = json.loads(left)
        children = tuple(InheritedChild(**child) for child in found["children"])
        for file in (found["listener"], *(child.output for child in children)):
            os.set_inheritable(file, False)
        found["children"] = tuple(children)
        return cls(**found)


class InheritedSibling:
    """A child of the previous version: it finishes its current work and is not restarted."""

    def __init__(self, handed: InheritedChild, logs: Path) -> None:
        self.handed = handed
        self._output = Lines(handed.output)
        self._log = Log(logs / f"{handed.name}.log")
        self._alive = True

    def alive(self) -> bool:
        """Return whether it is running."""
        if self._alive:
            try:
                self._alive = os.waitpid(self.handed.pid, os.WNOHANG)[0] == 0
            except ChildProcessError:
                self._alive = False
        return self._alive

    def listen(self) -> None:
        """Log the output received so far."""
        for line in self._output.read():
            self._log.write(line)

    def ask_to_stop(self) -> None:
        """Ask the child to finish its current work and exit."""
        if self.alive():
            with suppress(ProcessLookupError):
                os.kill(self.handed.pid, signal.SIGTERM)

    def end(self) -> None:
        """Kill the child, if it is still running, and every process it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.handed.pid, signal.SIGKILL)
        while self.alive():
            time.sleep(0.01)
        self.listen()
        self._output.close()
        self._log.close()


def elders_of(handover: Handover | None, logs: Path) -> list[InheritedSibling]:
    """Return the children that were handed over."""
    children: Sequence[InheritedChild] = handover.children if handover else ()
    return [InheritedSibling(child, logs) for child in children]
