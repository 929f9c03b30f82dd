"""Visitors who are slow, or only pretend to want something, keep nobody else waiting."""

import re
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from threading import Event
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from tests.presence import at_least_one
from tests.serving.front import FULL, connect, fronted, get, heard, is_open, seconds_until_closed
from tests.serving.running import wait_until

_HEAD = b"POST /webhooks/signup/x HTTP/1.1\r\nHost: x\r\nAuthorization: good\r\n"
_BEGUN = _HEAD + b"Content-Length: 1000\r\n\r\n{"
_HALF_A_HEAD = b"GET /c/x HTTP/1.1\r\nHost: x\r\nX-Half"
#: More than is kept for a reader who does not read.
_BIG = b"x" * 3_000_000

CALLS: list[bytes] = []

#: While it is not set, the owner's page is being made.
MADE = Event()


def _app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """Look at the head, then read the body, as the webhooks do."""
    body = b"hello"
    if environ["REQUEST_METHOD"] == "POST":
        if environ.get("HTTP_AUTHORIZATION") != "good":
            start("401 Unauthorized", [("Content-Length", "2")])
            return [b"no"]
        body = environ["wsgi.input"].read()
        CALLS.append(body)
    elif environ["PATH_INFO"] == "/guide/big":
        body = _BIG
    elif environ["PATH_INFO"] == "/studio/slow":
        MADE.wait(10)
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture(autouse=True)
def _nothing_made() -> Iterator[None]:
    CALLS.clear()
    MADE.clear()
    yield
    MADE.set()


@pytest.mark.parametrize(
    ("said", "victim"),
    [(_BEGUN, "127.0.0.1"), (_BEGUN, "127.0.0.2"), (_HALF_A_HEAD, "127.0.0.1"), (b"", "127.0.0.1")],
)
def test_hundreds_of_unfinished_requests_delay_nobody(said: bytes, victim: str) -> None:
    with fronted(_app) as (port, _), ExitStack() as after:
        attackers = [after.enter_context(connect(port, said)) for _ in range(300)]
        began = time.monotonic()
        assert [get(port, "/c/x", victim)[0] for _ in range(20)] == [200] * 20
        assert time.monotonic() - began < 5
        assert sum(map(is_open, attackers)) <= 32
        assert wait_until(lambda: not any(map(is_open, attackers)), 2.5)


def test_a_busy_address_displaces_only_its_own_older_requests() -> None:
    with fronted(_app) as (port, _), ExitStack() as after:
        other = after.enter_context(connect(port, _BEGUN, "127.0.0.3"))
        attackers = [after.enter_context(connect(port, _BEGUN)) for _ in range(40)]
        last = attackers[-1]
        last.sendall(b" " * 999)
        assert b" 200 " in last.recv(1000)
        other.sendall(b" " * 999)
        assert b" 200 " in other.recv(1000)


def test_visitors_behind_a_trusted_proxy_do_not_displace_one_another() -> None:
    with fronted(_app, proxied=True) as (port, _), ExitStack() as after:
        visitors = [after.enter_context(connect(port, _BEGUN)) for _ in range(60)]
        for visitor in visitors:
            visitor.sendall(b" " * 999)
        assert all(b" 200 " in visitor.recv(1000) for visitor in at_least_one(visitors))


def test_a_visitor_who_does_not_read_the_response_is_disconnected_and_delays_nobody() -> None:
    with fronted(_app) as (port, _), ExitStack() as after:
        deaf = [after.enter_context(_deaf(port)) for _ in range(40)]
        assert get(port, "/guide/big", "127.0.0.2") == (200, _BIG)
        assert get(port, "/c/x", "127.0.0.1")[0] == 200
        time.sleep(2.5)
        assert all(len(heard(one)) < len(_BIG) for one in at_least_one(deaf))


def test_a_slow_but_steady_reader_gets_the_whole_response() -> None:
    with fronted(_app) as (port, _), _deaf(port) as visitor:
        got = 0
        while got < len(_BIG) and (more := visitor.recv(1 << 17)):
            got += len(more)
            time.sleep(0.001)
        assert got >= len(_BIG)


def test_a_refused_request_is_answered_without_reading_its_body() -> None:
    with fronted(_app) as (port, _):
        head = b"POST /webhooks/signup/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n"
        with connect(port, head) as stranger:
            assert b" 401 " in stranger.recv(1000)
        with connect(port, head + b"Expect: 100-continue\r\n\r\n") as stranger:
            assert stranger.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_a_body_in_parts_is_read_completely_and_the_connection_stays_usable() -> None:
    with fronted(_app) as (port, _), connect(port, _BEGUN) as visitor:
        time.sleep(0.5)
        visitor.sendall(b"b" * 500)
        time.sleep(0.4)
        visitor.sendall(b"c" * 499)
        assert b" 200 " in visitor.recv(4000)
        assert CALLS == [b"{" + b"b" * 500 + b"c" * 499]
        visitor.sendall(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
        assert b" 200 " in visitor.recv(4000)
        assert CALLS[-1] == b"hi"


def test_an_endless_body_is_cut_off_unless_it_is_a_steadily_uploaded_file() -> None:
    with fronted(_app) as (port, _), connect(port, _BEGUN) as trickling:
        assert _trickle(trickling, b"x", 0.1) < 2
    with fronted(_app) as (port, _):
        head = _HEAD.replace(b"/webhooks/signup/x", b"/studio/guides")
        with connect(port, head + b"Content-Length: 10000\r\n\r\n") as uploading:
            assert _trickle(uploading, b"x" * 500, 0.1, most=20) >= 1.9
            assert b" 200 " in uploading.recv(1000)


def test_an_idle_connection_is_closed_soon_after_its_response() -> None:
    with fronted(_app) as (port, _):
        with connect(port, b"GET /c/x HTTP/1.1\r\nHost: x\r\n\r\n") as idle:
            assert b" 200 " in idle.recv(1000)
            assert seconds_until_closed(idle, 4) < 2
        with connect(port, b"GET /c/x HTTP/1.1\r\nHost: x\r\n\r\n") as stray:
            assert b" 200 " in stray.recv(1000)
            assert _trickle(stray, b"\r\n", 0.1) < 2
            assert seconds_until_closed(stray, 4) < 2


def test_an_endless_request_head_is_refused() -> None:
    with fronted(_app) as (port, _), connect(port, b"GET / HTTP/1.1\r\nHost: x\r\n") as visitor:
        visitor.sendall(b"X-Long: " + b"x" * 40_000)
        assert heard(visitor).startswith(b"HTTP/1.1 431 ")


def test_hits_are_answered_in_order_on_a_shared_connection() -> None:
    hit, slow = b"GET /c/%2Fx?a=b HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /studio/slow HTTP/1.1\r\n"
    with fronted(_told) as (port, _):
        with connect(port, hit + slow + b"Host: x\r\n\r\n" + hit) as visitor:
            time.sleep(0.3)
            assert _paths(visitor.recv(4000)) == ["/c//x?a=b"]
            MADE.set()
            time.sleep(0.3)
            assert _paths(visitor.recv(4000)) == ["/studio/slow?", "/c//x?a=b"]
        with connect(
            port, hit.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n123") + hit
        ) as odd:
            time.sleep(0.3)
            assert _paths(odd.recv(4000)) == ["/c//x?a=b"] * 2
        with connect(port, hit.replace(b"GET", b"HEAD")) as scanner:
            said = scanner.recv(4000)
            assert said.startswith(b"HTTP/1.1 200 OK\r\n") and said.endswith(b"\r\n\r\n")
        with connect(port, hit.replace(b"1.1", b"1.0")) as old:
            assert _paths(heard(old)) == ["/c//x?a=b"]


def test_garbage_after_a_request_closes_the_connection_without_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slow = b"GET /studio/slow HTTP/1.1\r\nHost: x\r\n\r\n"
    with fronted(_told) as (port, _):
        for nonsense in (b"\0\1nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000):
            with connect(port, slow) as visitor:
                time.sleep(0.2)
                visitor.sendall(nonsense)
                assert heard(visitor)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431", b"")
        MADE.set()
        time.sleep(0.3)
        assert get(port, "/c/x")[0] == 200
    assert caplog.records == []


def test_slow_studio_pages_do_not_delay_a_subscriber() -> None:
    with fronted(_app) as (port, _), ExitStack() as after:
        for _ in range(10):
            after.enter_context(connect(port, b"GET /studio/slow HTTP/1.1\r\nHost: x\r\n\r\n"))
        time.sleep(0.3)
        began = time.monotonic()
        assert get(port, "/unsubscribe/x")[0] == get(port, "/webhooks/x")[0] == 200
        assert time.monotonic() - began < 1
        MADE.set()


def test_an_overloaded_server_tells_the_newest_visitors_when_to_retry() -> None:
    with fronted(_app) as (port, _), ExitStack() as after:
        slow = b"GET /studio/slow HTTP/1.1\r\nHost: x\r\n\r\n"
        waiting = [after.enter_context(connect(port, slow)) for _ in range(90)]
        time.sleep(1)
        told = [one for one in waiting if b" 503 " in _so_far(one)]
        assert len(told) == 90 - (64 + 3)
        assert "owner" in FULL
        assert get(port, "/c/x")[0] == 200
        MADE.set()


def test_a_stopping_server_finishes_its_requests_and_waits_for_no_straggler() -> None:
    with ExitStack() as after:
        with fronted(_app) as (port, server):
            stragglers = [after.enter_context(connect(port, s)) for s in (_BEGUN, _HALF_A_HEAD)]
            asked = after.enter_context(
                connect(port, b"GET /studio/slow HTTP/1.1\r\nHost: x\r\n\r\n")
            )
            time.sleep(0.5)
            server.should_exit = True
            time.sleep(0.5)
            MADE.set()
            assert b" 200 " in heard(asked)
            began = time.monotonic()
        assert time.monotonic() - began < 2
        assert not any(map(is_open, stragglers))


def _told(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """Give the requested answer."""
    if environ["PATH_INFO"] == "/studio/slow":
        MADE.wait(10)
    body = f"[{environ['PATH_INFO']}?{environ['QUERY_STRING']}]".encode()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def _paths(said: bytes) -> list[str]:
    return re.findall(r"\[(.*?)\]", said.decode())


def _deaf(port: int) -> socket.socket:
    """Connect as a visitor who requests much and has hardly any buffer for it."""
    visitor = socket.socket()
    visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    visitor.settimeout(10)
    visitor.connect(("127.0.0.1", port))
    visitor.sendall(b"GET /guide/big HTTP/1.1\r\nHost: x\r\n\r\n")
    return visitor


def _trickle(visitor: socket.socket, piece: bytes, every: float, most: int = 80) -> float:
    """Send it repeatedly until the connection closes; return how many seconds that took."""
    began = time.monotonic()
    for _ in range(most):
        try:
            visitor.sendall(piece)
        except OSError:
            break
        time.sleep(every)
    return time.monotonic() - began


def _so_far(visitor: socket.socket) -> bytes:
    visitor.setblocking(False)
    try:
        return visitor.recv(1000)
    except BlockingIOError:
        return b""
