"""The doorbell: how a web process wakes the workers."""

import time
from contextlib import suppress
from threading import Event, Thread

from tasks import NUDGE_SECONDS
from tasks.deliver import deliver

#: Seconds from one ring to the next, at least.
_BETWEEN = 0.25


class CeleryDoorbell:
    """Rings from a thread of its own, so that a slow or absent Redis delays nobody.

    The first ring is heard at once. Those that come while it is on its way, or within the next
    quarter of a second, are one ring: a worker that comes takes all that is due, and ten guides
    at once cost little more than one.
    """

    def __init__(self) -> None:
        self._pressed = Event()
        self._thread: Thread | None = None

    def ring(self) -> None:
        """Wake a worker soon; never raises and never waits."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self._answer, name="doorbell", daemon=True)
            self._thread.start()
        self._pressed.set()

    def _answer(self) -> None:
        while self._pressed.wait():
            self._pressed.clear()
            with suppress(Exception):  # A lost ring costs one sweep interval, nothing else.
                deliver.apply_async(expires=NUDGE_SECONDS, retry=False)
            time.sleep(_BETWEEN)
