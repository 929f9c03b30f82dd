"""Load over HTTP: prebuilt requests on persistent connections, one in flight on each.

    python -m bench.load PORT CONNECTIONS < requests

It reads its requests from standard input as JSON lines, `[request, status, count]`,
distributes them over the connections, and prints seconds taken and processor time used.
`python -m bench.load --floor` is a server that answers everything with the same few
bytes: the rate the generator reaches with it is the generator's ceiling.
"""

import json
import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.workers import ROOT
from nurture.lifeline import tied_to_us

_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_ANSWER = b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: https://example.org/\r\n\r\n"


class UnexpectedAnswerError(Exception):
    """The server did not give the expected answer."""


@dataclass(frozen=True, slots=True)
class Load:
    """The result: requests per second, and the generator's processor microseconds for each.

    `began` is when the first was sent, on the clock of `time.monotonic`.
    """

    rate: float
    cost: float
    began: float


def sent_apart(module: str, requests: Sequence[Any], *numbers: int) -> str:
    """Send these requests from a separate process with these arguments; return its output."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, numbers)],
        input="".join(json.dumps(one) + "\n" for one in requests),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        preexec_fn=tied_to_us(),
    )
    if done.returncode:
        raise UnexpectedAnswerError(done.stderr.strip().splitlines()[-1])
    return done.stdout


def put_load(port: int, requests: list[tuple[str, int, int]], connections: int = 16) -> Load:
    """Send every request `count` times, from a separate process."""
    said = sent_apart("bench.load", requests, port, connections)
    began, seconds, spent = map(float, said.split())
    whole = sum(count for _, _, count in requests)
    return Load(whole / seconds, spent / whole * 1e6, began)


def ceiling(requests: list[tuple[str, int, int]]) -> Load:
    """Return the rate the generator reaches with a server that does nothing."""
    floor = subprocess.Popen(
        [sys.executable, "-m", "bench.load", "--floor"],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        preexec_fn=tied_to_us(),
    )
    try:
        assert floor.stdout
        port = int(floor.stdout.readline())
        return put_load(port, [(request, 302, count) for request, _, count in requests])
    finally:
        floor.terminate()
        floor.wait()


class Client:
    """One connection; every answer on it is read to its end before the next request."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._expected = b""
        self._read = b""

    def ask(self, request: bytes, expected: bytes) -> None:
        """Send a request whose answer must begin with the given bytes."""
        self._expected = expected
        self.socket.sendall(request)

    def hear(self) -> bool:
        """Read what has arrived; return whether the answer is complete."""
        data = self.socket.recv(65536)
        if not data:
            raise UnexpectedAnswerError("the server hung up")
        self._read += data
        end = self._read.find(_END)
        if end < 0:
            return False
        if not self._read.startswith(self._expected):
            raise UnexpectedAnswerError(self._read[:300].decode(errors="replace"))
        head = self._read[:end].lower()
        at = head.find(_LENGTH)
        length = int(head[at + len(_LENGTH) :].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(self._read) < end + len(_END) + length:
            return False
        self._read = b""
        return True


def _generate(port: int, connections: int) -> None:
    work: deque[tuple[bytes, bytes]] = deque()
    for line in sys.stdin:
        request, status, count = json.loads(line)
        work.extend([(request.encode(), b"HTTP/1.1 %d " % status)] * count)
    poll = select.epoll()
    clients: dict[int, Client] = {}
    for _ in range(min(connections, len(work))):
        client = Client(port)
        clients[client.socket.fileno()] = client
        poll.register(client.socket, select.EPOLLIN)
    began, spent = time.monotonic(), time.process_time()
    busy = 0
    for client in clients.values():
        client.ask(*work.popleft())
        busy += 1
    while busy:
        for number, _ in poll.poll(30):
            client = clients[number]
            if not client.hear():
                continue
            if work:
                client.ask(*work.popleft())
            else:
                busy -= 1
    print(began, time.monotonic() - began, time.process_time() - spent)


def _be_the_floor() -> None:
    server = socket.create_server(("127.0.0.1", 0), backlog=128)
    poll = select.epoll()
    poll.register(server, select.EPOLLIN)
    guests: dict[int, socket.socket] = {}
    print(server.getsockname()[1], flush=True)
    while True:
        for number, _ in poll.poll():
            if number == server.fileno():
                guest, _ = server.accept()
                guests[guest.fileno()] = guest
                poll.register(guest, select.EPOLLIN)
            elif guests[number].recv(65536):
                guests[number].send(_ANSWER)
            else:
                poll.unregister(number)
                guests.pop(number).close()


if __name__ == "__main__":
    if sys.argv[1] == "--floor":
        _be_the_floor()
    else:
        _generate(int(sys.argv[1]), int(sys.argv[2]))
