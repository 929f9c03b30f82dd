"""The doorbell: the wake-up call from a web process to the workers."""

import time
from contextlib import suppress
from threading import Event, Thread

from tasks import NUDGE_SECONDS
from tasks.deliver import deliver

#: The least number of seconds between two rings.
_BETWEEN = 0.25


class CeleryDoorbell:
    """A doorbell that rings from its own thread, so that a slow or absent Redis delays no one.

    The first ring is sent immediately. Rings during its delivery, or within the next quarter of a
    second, merge into one: a worker that wakes up takes all that is due, so ten guides together
    cost little more than one.
    """

    def __init__(self) -> None:
        self._pressed = Event()
        self._thread: Thread | None = None

    def ring(self) -> None:
        """Wake a worker soon; never raise and never wait."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self._answer, name="doorbell", daemon=True)
            self._thread.start()
        self._pressed.set()

    def _answer(self) -> None:
        while self._pressed.wait():
            self._pressed.clear()
            with suppress(Exception):  # A lost ring costs one sweep interval and nothing else.
                deliver.apply_async(expires=NUDGE_SECONDS, retry=False)
            time.sleep(_BETWEEN)
