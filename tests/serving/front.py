"""A web side behind the real server, in this process, with limits short enough for tests."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from threading import Thread
from wsgiref.types import WSGIApplication

from nurture.serving.web.connection import Patience, WaitingConnections
from nurture.serving.web.front import Front
from nurture.serving.web.server import Server, listen

#: Whose lanes were full.
FULL: list[str] = []

#: Short enough to wait for.
SHORT = Patience(head=0.6, body=1.0, answer=1.0, idle=0.6, stopping=0.3, look=0.05)


@contextmanager
def fronted(
    app: WSGIApplication, *, proxied: bool = False, patience: Patience = SHORT, most: int = 2000
) -> Iterator[tuple[int, Server]]:
    """Serve the application during the block; yield its port, and the server."""
    front = Front(app, FULL.append)
    server = Server(front, WaitingConnections.of(most, proxied=proxied, patience=patience))
    listener = listen("127.0.0.1", 0)
    thread = Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield listener.getsockname()[1], server
    finally:
        server.should_exit = True
        thread.join()
        front.close()


def get(port: int, path: str, client: str = "127.0.0.1") -> tuple[int, bytes]:
    """Return what an honest visitor from that address receives."""
    visitor = HTTPConnection("127.0.0.1", port, timeout=10, source_address=(client, 0))
    try:
        visitor.request("GET", path)
        answer = visitor.getresponse()
        return answer.status, answer.read()
    finally:
        visitor.close()


def connect(port: int, said: bytes, client: str = "127.0.0.1") -> socket.socket:
    """Return a connection from that address on which this has been sent."""
    visitor = socket.socket()
    visitor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    visitor.settimeout(10)
    visitor.bind((client, 0))
    visitor.connect(("127.0.0.1", port))
    visitor.sendall(said)
    return visitor


def is_open(visitor: socket.socket) -> bool:
    """Return whether the other side has not closed it, discarding what it sent."""
    visitor.setblocking(False)
    try:
        while visitor.recv(1 << 16):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def heard(visitor: socket.socket) -> bytes:
    """Return all that the other side sends until it closes."""
    visitor.settimeout(10)
    said = b""
    try:
        while more := visitor.recv(1 << 16):
            said += more
    except ConnectionResetError:
        pass
    return said


def seconds_until_closed(visitor: socket.socket, at_most: float = 10) -> float:
    """Return how long the other side takes to close; what it sends is discarded."""
    began = time.monotonic()
    while time.monotonic() < began + at_most:
        if not is_open(visitor):
            break
        time.sleep(0.02)
    return time.monotonic() - began
