"""Reading what a mail server answers."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from nurture.domain.errors import NurtureError

LONGEST_LINE = 4_096
MOST_LINES = 100

#: So much of an answer is kept, with each message that it was about; the longest that were seen
#: in the world have five hundred letters.
MOST_KEPT = 1_000
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?")
_BLANKS = re.compile(" {2,}")


class Reply(NamedTuple):
    """One whole answer, or its beginning; the lines of a long one are joined by spaces."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()


class GarbledReplyError(NurtureError):
    """What came from the server is no SMTP reply, so nothing after it can be trusted."""


class ReplyReader:
    """Turns arriving bytes into replies, however they were cut up on the way."""

    def __init__(self) -> None:
        self._rest = b""
        self._earlier_lines: list[str] = []
        self._kept = 0

    def feed(self, data: bytes) -> Iterator[Reply]:
        """Yield each reply that `data` completes (RFC 5321 §4.2, multi-line included).

        Raises GarbledReplyError at the first line that is none; replies before it
        have been yielded by then.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            reply = self._read(line)
            if reply is not None:
                yield reply
        if len(self._rest) > LONGEST_LINE:
            raise GarbledReplyError("its answer has no end")

    def _read(self, line: bytes) -> Reply | None:
        code, ends, text = _parsed(line)
        if not ends:
            self._remember(text)
            return None
        return self._complete(code, text)

    def _remember(self, text: str) -> None:
        room = max(MOST_KEPT - self._kept, 0)
        self._earlier_lines.append(text[:room])
        self._kept += len(text) + 1
        if len(self._earlier_lines) > MOST_LINES:
            raise GarbledReplyError("its answer has too many lines")

    def _complete(self, code: int, text: str) -> Reply:
        if self._earlier_lines:
            text = " ".join(filter(None, [*self._earlier_lines, text]))
            self._earlier_lines, self._kept = [], 0
        return Reply(code, text[:MOST_KEPT])


@lru_cache(maxsize=64)
def _parsed(line: bytes) -> tuple[int, bool, str]:
    """The code, whether the answer ends here, and its words; a server says few different things."""
    line = line.rstrip(b"\r")
    match = _LINE.fullmatch(line)
    if match is None or len(line) > LONGEST_LINE:
        raise GarbledReplyError(f"its answer is no SMTP reply: {printable(line[:80])!r}")
    code, mark, text = match.groups(b"")
    return int(code), mark != b"-", printable(text)


def printable(text: bytes) -> str:
    """Return a server's words so that they can be stored and shown without harm.

    What would turn the order of other words around goes as well as what rings a bell.
    """
    words = text.decode("utf-8", "replace")
    if words.isprintable():
        return words
    plain = (c if c.isprintable() else " " for c in words)
    return _BLANKS.sub(" ", "".join(plain)).strip()
