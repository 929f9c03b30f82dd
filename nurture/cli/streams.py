"""The standard streams, made usable whatever they are."""

import os
import select
import sys
from contextlib import suppress
from io import TextIOWrapper

from nurture.domain.errors import NurtureError

#: More than any address that is pasted.
_LONGEST_LINE = 16_384


class UnsaidError(NurtureError):
    """A command's output could not be written."""


def make_fit() -> None:
    """Open any standard stream that is closed, and let no character cause a crash.

    Otherwise the next file to be opened would get the closed stream's number: a database would
    become standard output. A terminal that lacks our quotation marks shows others instead.
    """
    _open_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            ascii_only = stream.encoding.lower().replace("-", "") in ("ascii", "usascii", "646")
            encoding = "utf-8" if ascii_only else stream.encoding
            stream.reconfigure(encoding=encoding, errors="replace")


def flush() -> None:
    """Write out all output so far; raise `UnsaidError` if that fails."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _say_no_more()
        raise
    except OSError as error:
        _say_no_more()
        raise UnsaidError(
            f"The output cannot be written: {error.strerror}.",
            remedy="Free some space where it is written.",
        ) from None


def line_if_typed() -> str:
    """Return the next line of the input if there is one already; never wait for it to begin."""
    try:
        ready, _, _ = select.select([sys.stdin], [], [], 0)
    except (OSError, ValueError):  # It is no real file, or closed.
        return ""
    return sys.stdin.readline(_LONGEST_LINE).strip() if ready else ""


def _open_closed() -> None:
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The system picks the lowest free number, which is this one.
            os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))


def _say_no_more() -> None:
    """Discard the unwritten output; the interpreter would try to write it again as it exits."""
    with suppress(OSError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.close(nothing)
