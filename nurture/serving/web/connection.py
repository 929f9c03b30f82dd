"""One visitor's connection, with time limits on sending requests and reading answers.

The server parses and answers. This module adds the limits it lacks: the time allowed for a head,
for a body and for reading an answer, the length of a head, and how many may wait at a time.
"""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from nurture.serving.web.front import AT_ONCE, Front
from nurture.serving.web.waiting import Waiting, neighbour_of

#: The URLs that files are sent to, each for as long as it takes at this many bytes a second.
_FILES_AT, SLOWEST_FILE = "/studio/", 1024

#: The most bytes in a head and in a header's name, and the most headers; browsers send two thousand
#: bytes in twenty headers.
LONGEST_HEAD, LONGEST_NAME, MOST_HEADERS = 32 * 1024, 256, 100

#: How many requests one connection may send together, or before the first is answered.
MOST_AT_ONCE = 16

_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds each step may take; a step that is late is noticed at the next check."""

    #: For the head of a request, from its first moment or that of the connection.
    head: float = 9.5
    #: For its whole body, from the end of the head.
    body: float = 29.5
    #: For reading some of an answer, and then some more, to its end.
    answer: float = 29.5
    #: Between two requests.
    idle: float = 10.0
    #: For whatever is still arriving when the program is told to stop.
    stopping: float = 2.0
    #: Between two checks of all connections.
    look: float = 0.5


#: A proxy keeps its connections open for a minute, and loses a request sent while we close one.
WITH_PROXIES = Patience(idle=75.0)


@dataclass(frozen=True, slots=True)
class WaitingConnections:
    """All connections we are waiting for: for a request, for an answer to be read, for more."""

    asking: Waiting["Connection"]
    taking: Waiting["Connection"]
    idle: Waiting["Connection"]
    patience: Patience

    @classmethod
    def of(
        cls, most: int, proxied: bool = False, patience: Patience | None = None
    ) -> "WaitingConnections":
        """Create one for at most `most` connections; `proxied` if all come from our own proxies."""
        asking, taking, idle = (None, None, None) if proxied else (32, 128, 512)
        return cls(
            asking=Waiting(most // 2, asking),
            taking=Waiting(most // 8, taking),
            idle=Waiting(most // 4, idle),
            patience=patience or (WITH_PROXIES if proxied else Patience()),
        )


class NoRequestError(Exception):
    """What arrived is more than, or other than, any honest client sends; it is answered 400."""


class Connection(HttpToolsProtocol):
    """A connection with its limits, and with three deadlines after which it is closed.

    It may make us wait for a request, for an answer to be read, and between two requests, each
    until its own deadline (on the loop's clock), regardless of the others.
    """

    def __init__(self, crowd: WaitingConnections, front: Front, **server: Any) -> None:
        super().__init__(**server)
        self._crowd, self._front = crowd, front
        self._neighbour = ""
        self._unread, self._head, self._headers, self._begun = 0, 0, 0, 0
        self._in_head, self._whole = True, False
        self._at_once, self._patient, self._leaving = False, False, False
        self._running: RequestResponseCycle | None = None
        self._asks_until = self._takes_until = self._idles_until = math.inf

    @property
    def until(self) -> float:
        """When to close it."""
        return min(self._asks_until, self._takes_until, self._idles_until)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a visitor's first request."""
        super().connection_made(transport)
        self._neighbour = neighbour_of(self.client[0] if self.client else "")
        self._asks_until = self._in(self._crowd.patience.head)
        self._make_room(self._crowd.asking)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a visitor who has disconnected."""
        for crowd in (self._crowd.asking, self._crowd.taking, self._crowd.idle):
            crowd.end(self)
        self._answer_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Handle incoming data, which is part of a request or several requests."""
        self._begun = 0
        if self._in_head:
            self._unread += len(data)
        elif self._patient:
            self._asks_until += len(data) / SLOWEST_FILE
        super().data_received(data)
        if not self._whole and not self.transport.is_closing():
            self._keep_in_view()

    def on_message_begin(self) -> None:
        """Begin with the first bytes of a request, the first or a later one on the connection."""
        super().on_message_begin()
        self._head = self._headers = 0
        if self._whole:
            self._in_head, self._whole, self._unread = True, False, 0
            self._asks_until, self._idles_until = self._in(self._crowd.patience.head), math.inf
            self._crowd.idle.end(self)

    def on_url(self, url: bytes) -> None:
        """Handle part of the URL."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Handle one header; refuse trailers after a body, which would be mistaken for headers."""
        self._headers += 1
        self._count(len(name) + len(value))
        if not self._in_head or self._headers > MOST_HEADERS or len(name) > LONGEST_NAME:
            raise NoRequestError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Handle the end of the head."""
        self._in_head = False
        self._asks_until = self._in(self._crowd.patience.body)
        self._begun += 1
        if self._begun > MOST_AT_ONCE or len(self.pipeline) >= MOST_AT_ONCE:
            raise NoRequestError
        self._at_once = self._can_be_answered_at_once()
        if not self._at_once:
            super().on_headers_complete()
            self.cycle.keep_alive = self.cycle.keep_alive and not self._leaving
            self._patient = str(self.scope.get("path", "")).startswith(_FILES_AT)

    def on_body(self, body: bytes) -> None:
        """Handle part of a body, unless the answer is immediate and needs none."""
        if not self._at_once:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is complete; it is answered in turn, or has been already."""
        self._whole, self._patient, self._asks_until = True, False, math.inf
        self._crowd.asking.end(self)
        if self._at_once:
            self._answer_at_once()
        else:
            super().on_message_complete()
            if self.cycle.response_complete:
                self._idle()

    def on_response_complete(self) -> None:
        """Note that the answer is complete; any rest of the request keeps its own time limit."""
        super().on_response_complete()
        self._read_on()
        if self._whole and not self.pipeline:
            self._idle()

    def pause_writing(self) -> None:
        """Stop reading, because the visitor reads answers more slowly than we write them."""
        self._takes_until = self._in(self._crowd.patience.answer)
        self._make_room(self._crowd.taking)
        self.flow.pause_reading()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Resume reading, because the visitor has read most of the answer."""
        self._crowd.taking.end(self)
        self._takes_until = math.inf
        super().resume_writing()
        self._read_on()

    def shutdown(self) -> None:
        """Prepare for the program to stop: requests still arriving must arrive soon.

        A visitor between two requests may be sending the next: it is answered, as the last on
        this connection, if it arrives within moments.
        """
        self._leaving = True
        if not self._whole or self.cycle is None or self.cycle.response_complete:
            self._idles_until = self._in(self._crowd.patience.stopping)
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not a request; nothing after it can be trusted."""
        if not self.transport.is_closing():
            super().send_400_response(msg)
        self._answer_no_more()

    def give_up(self) -> None:
        """Close it without waiting for anything to be read."""
        self.transport.abort()

    def close_late(self, now: float) -> None:
        """Set a deadline for the visitor to read the rest while the connection is closing."""
        self._takes_until = min(self._takes_until, now + self._crowd.patience.answer)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > LONGEST_HEAD:
            raise NoRequestError

    def _keep_in_view(self) -> None:
        """Count this connection as waiting while its request is incomplete; limit its head."""
        if self._in_head and self._unread > LONGEST_HEAD:
            self.transport.write(_TOO_LONG)
            self.transport.close()
            self._answer_no_more()
        elif self not in self._crowd.asking:
            self._make_room(self._crowd.asking)

    def _answer_no_more(self) -> None:
        """Tell earlier requests that the visitor has gone, as is about to be the case."""
        self.pipeline.clear()
        for cycle in (self._running, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def _read_on(self) -> None:
        """Resume reading, unless earlier requests have yet to be answered or their answers read."""
        if self.pipeline or self.flow.write_paused:
            self.flow.pause_reading()
        else:
            self.flow.resume_reading()

    def _can_be_answered_at_once(self) -> bool:
        """Return whether the request is of the many that need no waiting, and is first in turn."""
        return (
            self.url.startswith(AT_ONCE)
            and self.parser.get_method() in (b"GET", b"HEAD")
            and (self.cycle is None or self.cycle.response_complete)
            and not self.parser.should_upgrade()
        )

    def _answer_at_once(self) -> None:
        """Answer without a separate task, which would cost as much as the answer."""
        if self.transport.is_closing():
            return
        path, _, query = self.url.partition(b"?")
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["path"] = unquote_to_bytes(path).decode("utf-8", "replace")
        self.scope["query_string"] = query
        version = self.parser.get_http_version()
        answered = self._front.answer_at_once(self.scope)
        lines = [f"HTTP/1.1 {answered.status} {HTTPStatus(answered.status).phrase}".encode()]
        headers = (*self.server_state.default_headers, *answered.headers)
        lines += [name + b": " + value for name, value in headers]
        stays = version != "1.0" and self.parser.should_keep_alive() and not self._leaving
        if not stays:
            lines.append(b"connection: close")
        body = b"" if self.scope["method"] == "HEAD" else answered.piece
        self.transport.write(b"\r\n".join((*lines, b"", body)))
        self.server_state.total_requests += 1
        if stays:
            self._idle()
        else:
            self.transport.close()

    def _idle(self) -> None:
        self._idles_until = self._in(self._crowd.patience.idle)
        self._make_room(self._crowd.idle)

    def _in(self, seconds: float) -> float:
        return self.loop.time() + seconds

    def _make_room(self, crowd: Waiting["Connection"]) -> None:
        """Count this connection as waiting; if there are too many, close another."""
        goes = crowd.begin(self, self._neighbour)
        if goes is not None:
            goes.give_up()


def give_up_late(connections: Iterable[Connection], now: float) -> None:
    """Close connections past their deadline; set one for those closing but not read to the end."""
    for connection in connections:
        if connection.until <= now:
            connection.give_up()
        elif connection.transport.is_closing():
            connection.close_late(now)
