"""Finding somebody anew who was erased between being looked for and being read."""

import logging
from collections.abc import Callable

from nurture.domain.errors import NurtureError
from nurture.store.tables.subscribers import ErasedMeanwhileError

#: Somebody is erased in just that moment perhaps once, but not again and again.
_TRIES = 5

_log = logging.getLogger(__name__)


class NotWrittenError(NurtureError):
    """What somebody asked for could not be written down, though the database answered."""


def find_anew(attempt: Callable[[], None]) -> None:
    """Make an attempt, and again where somebody was erased meanwhile; never without an end.

    Raises `NotWrittenError` where it goes on: then the database finds a row in the way of a
    new one, and it is not the row of this person.
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
