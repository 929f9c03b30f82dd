"""Doing nothing, and saying so, while the database belongs to a newer version."""

import logging
import time
from typing import Any

from celery import Task

from nurture.domain.errors import NurtureError

#: An unchanged message is repeated after this many seconds.
_SAID_EVERY = 600.0

_log = logging.getLogger(__name__)
_said_until: dict[str, float] = {}


class DeferringTask(Task):  # type: ignore[type-arg]
    """A task that does nothing if only a newer version may do its work."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task, or log in one line why not."""
        try:
            return super().__call__(*args, **kwargs)
        except NurtureError as error:
            if not _is_left_to_newer(error):
                raise
            _say(str(error))


def _is_left_to_newer(error: NurtureError) -> bool:
    # The scheduler loads this module too, and needs no database library.
    from nurture.store.database import NewerDatabaseError

    return isinstance(error, NewerDatabaseError)


def _say(sentence: str) -> None:
    if time.monotonic() >= _said_until.get(sentence, 0.0):
        _log.error("%s", sentence)
        _said_until[sentence] = time.monotonic() + _SAID_EVERY
