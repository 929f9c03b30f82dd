"""Retrying if a person was erased between being found and being read."""

import logging
from collections.abc import Callable

from nurture.domain.errors import NurtureError
from nurture.store.tables.subscribers import ErasedMeanwhileError

#: Somebody is erased in just that moment perhaps once, but not again and again.
_TRIES = 5

_log = logging.getLogger(__name__)


class NotWrittenError(NurtureError):
    """The data could not be stored, although the database responded."""


def find_anew(attempt: Callable[[], None]) -> None:
    """Run an attempt, and retry if a person was erased meanwhile, a limited number of times.

    Raise `NotWrittenError` if it keeps happening: then a new row collides with one in the database
    that is not this person's.
    """
    for _ in range(_TRIES):
        try:
            return attempt()
        except ErasedMeanwhileError:
            continue
    _log.error(
        "A person was found neither new nor known, %d times. If rows were put into the table "
        "subscribers by hand, let its numbering begin after them (setval).",
        _TRIES,
    )
    raise NotWrittenError("This could not be written down.", remedy="Try again in a minute.")
