"""Lanes: threads that each serve one kind of visitor, so that no kind queues behind another."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class LaneFullError(Exception):
    """The lane's queue is so long that another request would wait in vain."""


class Lane:
    """A thread pool with a bounded queue of requests, which belongs to one event loop."""

    def __init__(self, name: str, threads: int, most: int) -> None:
        self.name = name
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads + most
        self._busy = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Return the result of `work`, run in a thread; raise `LaneFullError` if it cannot wait."""
        if self._busy >= self._most:
            raise LaneFullError(self.name)
        return await self.go_on(work)

    async def go_on(self, work: Callable[[], T]) -> T:
        """Do the same for a request already admitted, which is never turned away."""
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._busy -= 1

    def close(self) -> None:
        """Accept no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)
