"""Parsing the replies of a mail server."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from nurture.domain.errors import NurtureError

LONGEST_LINE = 4_096
MOST_LINES = 100

#: How much of a reply is stored with each message it was about; the longest seen in practice have
#: five hundred letters.
MOST_KEPT = 1_000
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?")
_BLANKS = re.compile(" {2,}")


class Reply(NamedTuple):
    """One whole reply, or its beginning; the lines of a long one are joined by spaces."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()


class GarbledReplyError(NurtureError):
    """The server's answer is not an SMTP reply, so nothing after it can be trusted."""


class ReplyReader:
    """A parser that turns incoming bytes into replies, however they were split up in transit."""

    def __init__(self) -> None:
        self._rest = b""
        self._earlier_lines: list[str] = []
        self._kept = 0

    def feed(self, data: bytes) -> Iterator[Reply]:
        """Yield each reply that `data` completes (RFC 5321 §4.2, multi-line included).

        Raise GarbledReplyError at the first line that is not part of a reply; the replies
        before it have been yielded by then.
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
    """Parse a line into code, end of reply and text; cached, as servers repeat themselves."""
    line = line.rstrip(b"\r")
    match = _LINE.fullmatch(line)
    if match is None or len(line) > LONGEST_LINE:
        raise GarbledReplyError(f"its answer is no SMTP reply: {printable(line[:80])!r}")
    code, mark, text = match.groups(b"")
    return int(code), mark != b"-", printable(text)


def printable(text: bytes) -> str:
    """Return a server's words in a form that is safe to store and show.

    Characters that reverse the order of text are replaced by spaces, as are control characters.
    """
    words = text.decode("utf-8", "replace")
    if words.isprintable():
        return words
    plain = (c if c.isprintable() else " " for c in words)
    return _BLANKS.sub(" ", "".join(plain)).strip()
