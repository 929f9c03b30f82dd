"""No process of ours outlives the one that started it, however that one ends."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None = None, sign: signal.Signals = signal.SIGTERM) -> None:
    """From now on this process gets `sign` when the process that started it dies.

    `parent` is who that should be; where it is gone already, this process ends at once.
    Only Linux can do it; elsewhere nothing happens.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, sign)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def tied_to_us() -> Callable[[], None]:
    """What a child of this process runs before it becomes another program."""
    parent = os.getpid()
    return lambda: die_with_parent(parent)
