"""Turns: which thread of this process writes next.

SQLite has one writer. A thread that finds it busy sleeps and tries again, longer each time, so a
newcomer often slips in while another waits for seconds. Threads of one process therefore write in
the order in which they came; other processes are left to SQLite's own waiting.
"""

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, get_ident


class NoTurnError(Exception):
    """A turn that did not come in time."""


class Turns:
    """One turn at a time, first come, first served."""

    _whose: int | None

    def __init__(self) -> None:
        self._begin_afresh()

    @contextmanager
    def next(self, seconds: float) -> Iterator[None]:
        """Wait for the turn, and have it until the block ends.

        Raise `NoTurnError` after that many seconds. A thread that asked for a turn within its own
        would wait for itself; it gets a `RuntimeError` immediately.
        """
        if self._pid != os.getpid():
            # The threads that were writing when this process was forked do not exist in it.
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
        # Set last, because anyone who sees it relies on all the rest.
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
                return  # Its turn came at the last moment.
            self._queue.remove(ours)
        raise NoTurnError

    def _pass_on(self) -> None:
        with self._guard:
            self._whose = None
            if self._queue:
                self._queue.popleft().release()
            else:
                self._taken = False
