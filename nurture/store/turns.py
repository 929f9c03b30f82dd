"""Turns: who in this process writes next.

SQLite has one writer. Whoever finds it taken sleeps and tries again, longer each time, so that
a newcomer often slips in and somebody else waits for seconds. Threads of one process therefore
take turns in the order in which they came; other processes are left to SQLite's own waiting.
"""

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, get_ident


class NoTurnError(Exception):
    """The turn did not come in time."""


class Turns:
    """One turn at a time, first come, first served."""

    _whose: int | None

    def __init__(self) -> None:
        self._begin_afresh()

    @contextmanager
    def next(self, seconds: float) -> Iterator[None]:
        """Wait for the turn, and keep it for as long as the block lasts.

        Raises `NoTurnError` after so many seconds. A thread that waited for a turn within
        its own would wait for itself, and is told so at once.
        """
        if self._pid != os.getpid():
            # What other threads had in hand when this process was forked stayed with them.
            self._begin_afresh()
        self._wait(seconds)
        self._whose = get_ident()
        try:
            yield
        finally:
            self._pass_on()

    def _begin_afresh(self) -> None:
        self._guard = Lock()
        self._taken = False
        self._whose = None
        self._queue: deque[Lock] = deque()
        # Last, because whoever sees it relies on all the rest.
        self._pid = os.getpid()

    def _wait(self, seconds: float) -> None:
        if self._taken and self._whose == get_ident():
            raise RuntimeError("a transaction that writes was begun within another of this thread")
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            ours = Lock()
            ours.acquire()
            self._queue.append(ours)
        if not ours.acquire(timeout=seconds):
            self._give_up(ours)

    def _give_up(self, ours: Lock) -> None:
        with self._guard:
            if ours not in self._queue:
                return  # It came at the last moment.
            self._queue.remove(ours)
        raise NoTurnError

    def _pass_on(self) -> None:
        with self._guard:
            self._whose = None
            if self._queue:
                self._queue.popleft().release()
            else:
                self._taken = False
