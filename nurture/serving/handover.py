"""What a supervisor hands on to the version that it becomes, without anything being interrupted.

It keeps its process number when it executes the new program, so its children stay its children.
What they are, what they say and where visitors come in is handed on in the environment.
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
    """One child: its name, its process and the end of the pipe that it speaks into."""

    name: str
    pid: int
    output: int


@dataclass(frozen=True, slots=True)
class Handover:
    """The listening socket, the embedded Redis server, if any, and all other children.

    `told` is what there is to tell of the new version, which has been prepared already, and
    `stays` whether the program was started to stay when its terminal goes.
    """

    listener: int
    redis: int | None
    children: tuple[InheritedChild, ...]
    told: dict[str, Any]
    stays: bool

    def give(self) -> None:
        """Leave it for the program that is executed next."""
        for file in (self.listener, *(child.output for child in self.children)):
            os.set_inheritable(file, True)
        os.environ[_IN] = json.dumps(asdict(self))

    @classmethod
    def take(cls) -> Self | None:
        """What an earlier version has left for this process, if any; it can be taken once."""
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
    """A child of the version before: it finishes what it has in hand and is not started again."""

    def __init__(self, handed: InheritedChild, logs: Path) -> None:
        self.handed = handed
        self._output = Lines(handed.output)
        self._log = Log(logs / f"{handed.name}.log")
        self._alive = True

    def alive(self) -> bool:
        """Whether it is running."""
        if self._alive:
            try:
                self._alive = os.waitpid(self.handed.pid, os.WNOHANG)[0] == 0
            except ChildProcessError:
                self._alive = False
        return self._alive

    def listen(self) -> None:
        """Write down what it has said so far."""
        for line in self._output.read():
            self._log.write(line)

    def ask_to_stop(self) -> None:
        """Ask it to finish what it has in hand and end."""
        if self.alive():
            with suppress(ProcessLookupError):
                os.kill(self.handed.pid, signal.SIGTERM)

    def end(self) -> None:
        """End it, and whatever it started, by force where it has not ended by itself."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.handed.pid, signal.SIGKILL)
        while self.alive():
            time.sleep(0.01)
        self.listen()
        self._output.close()
        self._log.close()


def elders_of(handover: Handover | None, logs: Path) -> list[InheritedSibling]:
    """The children that were handed on."""
    children: Sequence[InheritedChild] = handover.children if handover else ()
    return [InheritedSibling(child, logs) for child in children]
