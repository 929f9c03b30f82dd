"""Visitors who send what no honest client sends do not affect others."""

import logging
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from threading import Event
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from tests.serving.front import connect, fronted, get, heard, is_open, seconds_until_closed

_HOST = b"HTTP/1.1\r\nHost: x\r\n"
_CHUNKED = b"POST /webhooks/x " + _HOST + b"Transfer-Encoding: chunked\r\n\r\n"
_SLOW = b"GET /studio/slow " + _HOST + b"\r\n"
_AT_ONCE = b"GET /healthz HTTP/1.1\r\n\r\n"

SEEN: list[WSGIEnvironment] = []
GO_ON = Event()


def _app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    SEEN.append(environ)
    if environ["REQUEST_METHOD"] == "POST":
        environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/studio/slow":
        GO_ON.wait(10)
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    SEEN.clear()
    GO_ON.clear()
    yield
    GO_ON.set()


def test_trailers_after_a_body_are_refused_and_never_believed() -> None:
    with fronted(_app) as (port, _):
        with connect(port, _CHUNKED + b"0\r\nAuthorization: good\r\n\r\n") as visitor:
            assert heard(visitor).startswith(b"HTTP/1.1 400 ")
        with connect(port, _CHUNKED + b"0\r\n") as visitor:
            time.sleep(0.4)
            began = time.monotonic()
            while time.monotonic() - began < 5 and is_open(visitor):
                _say(visitor, b"a: x\r\n" * 1000)
            assert time.monotonic() - began < 3
    assert all("HTTP_AUTHORIZATION" not in environ for environ in SEEN)


@pytest.mark.parametrize(
    "head",
    [
        b"X-Long: " + b"x" * 120_000 + b"\r\n",
        b"".join(b"X-%d: y\r\n" % n for n in range(200)),
        b"X-" + b"n" * 300 + b": y\r\n",
    ],
)
def test_an_oversized_request_head_is_refused_however_it_arrives(head: bytes) -> None:
    with fronted(_app) as (port, _):
        for path in (b"/healthz", b"/studio/x"):
            with connect(port, b"GET " + path + b" " + _HOST + head + b"\r\n") as visitor:
                assert heard(visitor)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431")
        with connect(port, b"GET /" + b"y" * 60_000 + b" " + _HOST + b"\r\n") as visitor:
            assert heard(visitor)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431")
    assert SEEN == []


@pytest.mark.parametrize("path", [b"/healthz", b"/n"])
def test_a_burst_of_pipelined_requests_is_cut_off_and_delays_nobody(path: bytes) -> None:
    burst = (b"GET " + path + b" HTTP/1.1\r\n\r\n") * 50_000
    with fronted(_app) as (port, _), ExitStack() as after:
        began = time.monotonic()
        for _ in range(5):
            _say(after.enter_context(connect(port, b"")), burst)
        assert get(port, "/c/x", "127.0.0.2")[0] == 200
        assert time.monotonic() - began < 4
    assert len(SEEN) < 5 * 40


def test_a_visitor_who_does_not_read_responses_is_paused_and_then_disconnected() -> None:
    with fronted(_app) as (port, _), _with_little_room(port, 4096) as deaf:
        deaf.settimeout(0.2)
        began = time.monotonic()
        while time.monotonic() - began < 8 and _say(deaf, _AT_ONCE * 10):
            time.sleep(0.0005)
        assert len(SEEN) < 20_000
        assert seconds_until_closed(deaf, 4) < 4


def test_a_slow_body_after_many_responses_has_the_usual_time_limit() -> None:
    half = b"POST /webhooks/x " + _HOST + b"Content-Length: 100\r\n\r\nx"
    with fronted(_app) as (port, _), _with_little_room(port, 8192) as visitor:
        for _ in range(200):
            visitor.sendall(_AT_ONCE * 8)
            visitor.recv(1 << 16)
        visitor.sendall(half)
        began = time.monotonic()
        while time.monotonic() - began < 6 and is_open(visitor) and _say(visitor, b"x"):
            time.sleep(0.2)
        assert time.monotonic() - began < 4


def test_a_visitor_who_disconnects_midway_leaves_nothing_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO), fronted(_app) as (port, _):
        for _ in range(10):
            visitor = connect(port, _SLOW * 3)
            time.sleep(0.02)
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            visitor.close()
        GO_ON.set()
        time.sleep(0.5)
        assert get(port, "/c/x")[0] == 200
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_a_stopping_server_refuses_new_visitors_and_answers_earlier_ones() -> None:
    with ExitStack() as after, fronted(_app) as (port, server):
        asked = after.enter_context(connect(port, _SLOW))
        time.sleep(0.3)
        server.should_exit = True
        time.sleep(0.5)
        with pytest.raises(ConnectionRefusedError):
            connect(port, _SLOW)
        GO_ON.set()
        assert b" 200 " in heard(asked)


def _with_little_room(port: int, room: int) -> socket.socket:
    visitor = socket.socket()
    visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    visitor.settimeout(5)
    visitor.connect(("127.0.0.1", port))
    return visitor


def _say(visitor: socket.socket, words: bytes) -> bool:
    """Send it, and return whether that was possible."""
    if visitor.gettimeout() == 0:
        visitor.settimeout(1)
    try:
        visitor.sendall(words)
    except OSError:
        return False
    return True
