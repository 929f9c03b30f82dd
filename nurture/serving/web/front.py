"""The front: receives whole requests, has them answered in their lanes, and sends the answers.

No thread waits for a visitor. A slow body is read only if the application, given the head alone,
has not refused the request; and an answer is sent as fast as it is read.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from wsgiref.types import WSGIApplication

from nurture.serving.web.lanes import Lane, LaneFullError
from nurture.serving.web.wsgi import BodyWantedError, ResponseStart, Rest, answer, environ_of

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)

#: Answered immediately, because these need neither the database nor Redis and come by the thousand.
AT_ONCE = (b"/o/", b"/c/", b"/healthz")

#: The URLs that subscribers open, that the website and providers call, and that the owner uses.
_SUBSCRIBERS = (
    *("/guide/", "/preferences/", "/unsubscribe/", "/confirm/", "/pages/"),
    *("/complaint", "/privacy/"),
)
_CALLERS, _OWNER = ("/webhooks/",), ("/studio/",)

#: Seconds within which a body usually follows its head.
_SOON = 0.2

#: For a body of this many bytes, the application is asked before it is read.
_LARGE = 64 * 1024

#: More than the application reads of any body, and the limit on all bodies while they arrive.
_LARGEST_CALL, _LARGEST_FILE, _LARGEST_IN_ALL = 5 << 20, 32 << 20, 128 << 20

#: Seconds after which someone who found a lane full may try again.
_LATER = 5


class _GoneError(Exception):
    """The visitor has disconnected."""


@dataclass(slots=True)
class _Body:
    """The part of a body received so far, and whether it is complete."""

    so_far: bytearray
    whole: bool = False


class Front:
    """The whole web side as an ASGI application, around the WSGI one.

    `on_full` is called with the name of a lane that is so full that new requests must retry.
    """

    def __init__(self, app: WSGIApplication, on_full: Callable[[str], None]) -> None:
        self._app, self._on_full = app, on_full
        self._lanes = (
            (_SUBSCRIBERS, Lane("subscribers", threads=4, most=256)),
            (_CALLERS, Lane("callers", threads=4, most=256)),
            (_OWNER, Lane("owner", threads=3, most=64)),
            (("",), Lane("program", threads=2, most=64)),
        )
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        lane, body = self._lane_of(scope["path"]), _Body(bytearray(), not _has_body(scope))
        try:
            answered = await self._answered(scope, receive, lane, body)
        except _GoneError:
            return
        except LaneFullError:
            self._on_full(lane.name)
            answered = _said(503, "Too many are asking at this moment.", _LATER)
        except Exception as error:
            answered = _failed(error)
        finally:
            self._held -= len(body.so_far)
        await _hand_over(answered, lane, send)

    def answer_at_once(self, scope: Scope) -> ResponseStart:
        """Return the answer to a request without a body that needs no waiting (see `AT_ONCE`)."""
        try:
            return answer(self._app, environ_of(scope, b""))
        except Exception as error:
            return _failed(error)

    def close(self) -> None:
        """Accept no more requests."""
        for _, lane in self._lanes:
            lane.close()

    async def _answered(
        self, scope: Scope, receive: Receive, lane: Lane, body: _Body
    ) -> ResponseStart:
        if not body.whole and not await self._came_soon(scope, receive, body):
            refused = await self._asked_with_the_head_alone(scope, lane)
            if refused is not None:
                return refused
            if not await self._read(scope, receive, body):
                return _said(503, "Too much is being sent to us at this moment.", _LATER)
        whole = environ_of(scope, bytes(body.so_far))
        return await lane.run(partial(answer, self._app, whole))

    async def _came_soon(self, scope: Scope, receive: Receive, body: _Body) -> bool:
        """Return whether the whole body arrived right after its head, as small ones do."""
        if _length(scope) > _LARGE or any(name == b"expect" for name, _ in scope["headers"]):
            return False
        try:
            async with asyncio.timeout(_SOON):
                return await self._read(scope, receive, body, most=_LARGE) and body.whole
        except TimeoutError:
            return False

    async def _asked_with_the_head_alone(self, scope: Scope, lane: Lane) -> ResponseStart | None:
        """Return the application's answer to the head alone; `None` if it wants the body first."""
        try:
            return await lane.run(partial(answer, self._app, environ_of(scope, None)))
        except BodyWantedError:
            return None

    async def _read(
        self, scope: Scope, receive: Receive, body: _Body, most: int | None = None
    ) -> bool:
        """Read to the end, or past the largest size accepted; return whether there was room."""
        most = most or (_LARGEST_FILE if scope["path"].startswith(_OWNER) else _LARGEST_CALL)
        while not body.whole and len(body.so_far) <= most:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _GoneError
            came = message.get("body", b"")
            body.so_far += came
            body.whole = not message.get("more_body", False)
            self._held += len(came)
            if self._held > _LARGEST_IN_ALL and len(body.so_far) > _LARGE:
                return False
        return True

    def _lane_of(self, path: str) -> Lane:
        return next(lane for begins, lane in self._lanes if path.startswith(begins))


async def _hand_over(answered: ResponseStart, lane: Lane, send: Send) -> None:
    """Send the answer piece by piece, each once the previous one has been accepted."""
    start = {"type": "http.response.start"}
    await send(start | {"status": answered.status, "headers": answered.headers})
    piece, rest = answered.piece, answered.rest
    try:
        while not rest.is_over:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await lane.go_on(rest.next_piece)
        await send({"type": "http.response.body", "body": piece})
    finally:
        rest.close()


def _failed(error: Exception) -> ResponseStart:
    _log.error("Unanswered: %s", type(error).__name__)
    return _said(500, "Something went wrong on our side.")


def _said(status: int, detail: str, retry_after: int = 0) -> ResponseStart:
    """Return a problem document (RFC 9457) from the front itself."""
    document = {"type": "about:blank", "status": status, "detail": detail}
    body = json.dumps(document).encode() + b"\n"
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if retry_after:
        headers.append((b"retry-after", str(retry_after).encode()))
    return ResponseStart(status, headers, body, Rest(()))


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


def _length(scope: Scope) -> int:
    """Return the stated length of a body; the server has checked that it is a number."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)
