"""Ensuring that no process outlives the one that started it, however that one ends."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

_PR_SET_PDEATHSIG = 1

#: Seconds between two checks, and to finish what is in hand once the parent has gone.
_LOOK_EVERY, _GRACE = 2.0, 30.0


def die_with_parent(parent: int | None = None, sign: signal.Signals = signal.SIGTERM) -> None:
    """Have this process receive `sign` when the process that started it dies.

    `parent` is the expected parent; if it has gone already, this process ends immediately. Only
    Linux supports this; elsewhere nothing happens.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, sign)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def outlive_nobody(parent: int) -> None:
    """Check repeatedly that the parent still exists; some time after it has gone, end by force.

    The one signal that announces its death may arrive while a library swallows it. Everything this
    process started ends with it, so it must lead a process group of its own. Call this from the
    main thread only; it uses the alarm signal.
    """
    gone_since: list[float] = []

    def look(number: int, frame: FrameType | None) -> None:
        if os.getppid() == parent:
            return
        gone_since.append(time.monotonic())
        if time.monotonic() - gone_since[0] > _GRACE:
            os.killpg(os.getpgrp(), signal.SIGKILL)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_EVERY, _LOOK_EVERY)


def tied_to_us() -> Callable[[], None]:
    """Return what a child of this process runs before it becomes another program."""
    parent = os.getpid()
    return lambda: die_with_parent(parent)
