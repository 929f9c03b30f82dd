"""Lanes: threads that answer one kind of visitor each, so that nobody queues behind the others."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class LaneFullError(Exception):
    """So many wait in a lane that one more would only wait in vain."""


class Lane:
    """Threads of its own, and a bounded number of requests that wait for one of them.

    It belongs to the event loop that uses it.
    """

    def __init__(self, name: str, threads: int, most: int) -> None:
        self.name = name
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads + most
        self._busy = 0

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, worked out in a thread; raises `LaneFullError`."""
        if self._busy >= self._most:
            raise LaneFullError(self.name)
        return await self.go_on(work)

    async def go_on(self, work: Callable[[], T]) -> T:
        """The same for what has been let in before, which is never turned away."""
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._busy -= 1

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
