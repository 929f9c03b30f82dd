"""Steady load over HTTP: each request is sent at its own time, even if others are unanswered.

    python -m bench.steady PORT < requests

It reads JSON lines, `[second, kind, request, status]`, sends each at its second, and prints
one JSON line: when it began on the clock of `time.monotonic`, and for each kind the pairs of a
request's second and the time from then until its answer was complete. Visitors do not wait for
each other, so requests keep coming even while a server stalls.
"""

import json
import select
import sys
import time
from collections import defaultdict, deque
from dataclasses import dataclass

from bench.load import Client, UnexpectedAnswerError, sent_apart

#: What is to be sent: the second, a name for the kind, the request, the expected status.
Request = tuple[float, str, str, int]

#: More connections than this at once are a server that has stalled for good.
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Answers:
    """The results: the time of each request by its kind, in the order they were sent."""

    began: float
    taken: dict[str, list[tuple[float, float]]]


def put_steadily(port: int, requests: list[Request]) -> Answers:
    """Send every request at its second, from a separate process."""
    said = sent_apart("bench.steady", requests, port)
    began, taken = json.loads(said)
    return Answers(began, taken)


class _Generator:
    def __init__(self, port: int, requests: list[Request]) -> None:
        self._port = port
        self._coming = deque(sorted(requests))
        self._poll = select.epoll()
        self._busy: dict[int, tuple[Client, float, str]] = {}
        self._idle: dict[int, Client] = {}
        self._taken: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def run(self) -> tuple[float, dict[str, list[tuple[float, float]]]]:
        began = time.monotonic()
        while self._coming or self._busy:
            while self._coming and time.monotonic() - began >= self._coming[0][0]:
                self._send(*self._coming.popleft())
            for number, _ in self._poll.poll(self._patience(began)):
                self._hear(number, began)
        return began, self._taken

    def _patience(self, began: float) -> float:
        if not self._coming:
            return 60.0
        return max(0.0, self._coming[0][0] - (time.monotonic() - began))

    def _send(self, second: float, kind: str, request: str, status: int) -> None:
        client = self._idle.popitem()[1] if self._idle else self._connect()
        self._busy[client.socket.fileno()] = client, second, kind
        client.ask(request.encode(), b"HTTP/1.1 %d " % status)

    def _connect(self) -> Client:
        if len(self._busy) >= _MOST:
            raise UnexpectedAnswerError(f"{_MOST} requests wait for an answer")
        client = Client(self._port)
        self._poll.register(client.socket, select.EPOLLIN)
        return client

    def _hear(self, number: int, began: float) -> None:
        if number in self._idle:
            return self._idle.pop(number).socket.close()  # It served for long enough.
        client, second, kind = self._busy[number]
        if client.hear():
            self._taken[kind].append((second, time.monotonic() - began - second))
            del self._busy[number]
            self._idle[number] = client


if __name__ == "__main__":
    given = [json.loads(line) for line in sys.stdin]
    print(json.dumps(_Generator(int(sys.argv[1]), given).run()))
