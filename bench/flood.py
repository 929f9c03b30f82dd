"""The maximum rate at which a sink accepts messages, sent as prepared bytes with no other work.

    python -m bench.flood PORT COUNT

Sends the same message `COUNT` times over four connections, reading each answer before the
connection's next message is sent, and prints the seconds it took.
"""

import socket
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.procfs import cpu_of
from bench.sinks import Sink
from bench.workers import ROOT

#: As long as the article's whole message.
_CONTENT = (b"x" * 74 + b"\r\n") * 697 + b".\r\n"
_COMMANDS = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
_CONNECTIONS, _PROCESSES = 4, 2


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a sink can accept: messages per second, and its processor microseconds for each."""

    rate: float
    cost: float


def ceiling(sink: Sink, count: int) -> Ceiling:
    """Flood a sink from two processes together."""
    before, each = cpu_of([sink.pid]), count // _PROCESSES
    command = [sys.executable, "-m", "bench.flood", str(sink.port), str(each)]
    floods = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(_PROCESSES)
    ]
    taken = max(float(flood.communicate()[0]) for flood in floods)
    spent = cpu_of([sink.pid]) - before
    return Ceiling(each * _PROCESSES / taken, spent.whole / (each * _PROCESSES) * 1e6)


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _hear(connection, b"220 ")
    connection.sendall(b"EHLO [127.0.0.1]\r\n")
    _hear(connection, b"250 ")
    connection.sendall(_COMMANDS)
    return connection


def _hear(connection: socket.socket, wanted: bytes) -> None:
    """Read to the end of a reply with that code."""
    heard = b""
    while not (wanted in heard and heard.endswith(b"\r\n")):
        data = connection.recv(65536)
        assert data, "the sink hung up"
        heard += data


def _flood(port: int, count: int) -> float:
    connections = [_connect(port) for _ in range(_CONNECTIONS)]
    message = _CONTENT + _COMMANDS
    began = time.monotonic()
    for _ in range(count // _CONNECTIONS):
        for connection in connections:
            _hear(connection, b"354 ")
            connection.sendall(message)
    for connection in connections:
        _hear(connection, b"354 ")
    return time.monotonic() - began


if __name__ == "__main__":
    print(_flood(*map(int, sys.argv[1:3])))
