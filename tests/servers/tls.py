"""TLS in front of a server on a Unix socket: network traffic is decrypted and passed on."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class TlsDoor:
    """A running TLS proxy; `heard` is everything clients sent, decrypted."""

    port: int
    heard: bytearray = field(default_factory=bytearray)


@contextmanager
def tls_door(behind: Path, context: ssl.SSLContext) -> Iterator[TlsDoor]:
    """Listen on a port of this machine during the block."""
    server = socket.create_server(("127.0.0.1", 0))
    door = TlsDoor(server.getsockname()[1])
    thread = threading.Thread(target=_take_all, args=(server, behind, context, door))
    thread.start()
    try:
        yield door
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def _take_all(server: socket.socket, behind: Path, context: ssl.SSLContext, door: TlsDoor) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            arguments = (client, behind, context, door)
            threading.Thread(target=_serve, args=arguments, daemon=True).start()


def _serve(client: socket.socket, behind: Path, context: ssl.SSLContext, door: TlsDoor) -> None:
    with suppress(OSError), client, socket.socket(socket.AF_UNIX) as real:
        secured = context.wrap_socket(client, server_side=True)
        real.connect(str(behind))
        back = threading.Thread(target=_copy, args=(real, secured), daemon=True)
        back.start()
        while data := secured.recv(65536):
            door.heard += data
            real.sendall(data)
        real.shutdown(socket.SHUT_WR)
        back.join()


def _copy(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_RDWR)
