"""What a log says about an unexpected exception: its kind and its place, never a value.

An exception's message may quote what someone typed: the field that was refused, the parameters of a
statement, a key. To mend a fault, one needs to know where it is, not whose data caused it.
"""

import logging
import traceback
from collections.abc import Iterator
from typing import Any

from nurture.domain.errors import NurtureError

#: The fields in which Celery quotes a failed task; its other fields contain only its own words.
_OF_TASKS = ("exc", "traceback", "args", "kwargs")

_MOST_CAUSES = 8

_make_record = logging.getLogRecordFactory()


def keep_values_out_of_logs() -> None:
    """Log exceptions as `told` describes them from now on, in every logger."""
    logging.setLogRecordFactory(_record)


def told(error: BaseException) -> str:
    """Return an exception and its causes: where each came from and what kind it is."""
    parts = [
        "".join(["Traceback (most recent call last):\n", *_places(one), _kind(one)])
        for one in _causes(error)
    ]
    return "\n\nwhich led to:\n\n".join(reversed(parts))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the exception, then what led to it, nearest first."""
    for _ in range(_MOST_CAUSES):
        if error is None:
            return
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _places(error: BaseException) -> list[str]:
    """Return files, lines and their source code, which is the program's and contains no values."""
    return traceback.format_tb(error.__traceback__)


def _kind(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return f"{name}: {error}" if isinstance(error, NurtureError) and error.quotes_nobody else name


def _record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """Return a record whose exception is described before any formatter can write it out."""
    record = _make_record(*args, **kwargs)
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        record.exc_text = told(error)
    if isinstance(record.args, tuple):
        record.args = tuple(map(_unquoted, record.args))
    elif record.args and error is not None:
        hidden = dict.fromkeys(_OF_TASKS, _kind(error))
        record.args = {**record.args, **{k: v for k, v in hidden.items() if k in record.args}}
    return record


def _unquoted(value: object) -> object:
    return _kind(value) if isinstance(value, BaseException) else value
