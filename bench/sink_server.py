"""A mail server that accepts everything, stores nothing and does as little as it can.

    python -m bench.sink_server [--delay SECONDS] [--tell]

It prints the port it listens on, then answers each line on its standard input with how
many messages it has accepted so far. With `--tell` it instead prints a line for each message:
the monotonic time at which it was accepted, and its recipient. It announces PIPELINING,
looks for the final dot from the end of each read, and ends when its input does.
"""

import argparse
import heapq
import os
import select
import socket
import time

_DOT = b"\r\n.\r\n"
_HELLO = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 104857600\r\n"
_READ = 1 << 18


class _Guest:
    """One connection. `tail` is what has been read of an unfinished line or ending."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.takes_content = False
        self.tail = b""
        self.recipient = b""


class _Sink:
    def __init__(self, delay: float, tell: bool) -> None:
        self._delay, self._tell = delay, tell
        self._taken = 0
        self._guests: dict[int, _Guest] = {}
        self._later: list[tuple[float, int, bytes]] = []
        self._poll = select.epoll()
        self._buffer = bytearray(_READ)
        self._view = memoryview(self._buffer)

    def run(self) -> None:
        server = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._poll.register(server, select.EPOLLIN)
        self._poll.register(0, select.EPOLLIN)
        print(server.getsockname()[1], flush=True)
        while True:
            for number, _ in self._poll.poll(self._patience()):
                if number == server.fileno():
                    self._welcome(server)
                elif number == 0:
                    if not os.read(0, 64):
                        return
                    print(self._taken, flush=True)
                else:
                    self._listen(number)
            self._answer_what_is_due()

    def _patience(self) -> float | None:
        return max(0.0, self._later[0][0] - time.monotonic()) if self._later else None

    def _welcome(self, server: socket.socket) -> None:
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._guests[connection.fileno()] = _Guest(connection)
        self._poll.register(connection, select.EPOLLIN)
        self._answer(connection.fileno(), b"220 sink\r\n")

    def _listen(self, number: int) -> None:
        guest = self._guests[number]
        try:
            count = guest.connection.recv_into(self._buffer)
        except ConnectionError:
            count = 0
        if not count:
            return self._part_with(number)
        answer = self._take(guest, count)
        if answer:
            self._answer(number, answer)

    def _take(self, guest: _Guest, count: int) -> bytes:
        """Read content up to a line with only a dot; the next message's commands follow it."""
        if not guest.takes_content:
            return self._obey(guest, guest.tail + self._view[:count].tobytes())
        if guest.tail:
            return self._look_for_end(guest, guest.tail + self._view[:count].tobytes())
        end = self._buffer.rfind(_DOT, 0, count)
        if end >= 0:
            return self._end(guest, self._view[end + len(_DOT) : count].tobytes())
        guest.tail = self._view[max(0, count - 4) : count].tobytes()
        return b""

    def _look_for_end(self, guest: _Guest, data: bytes) -> bytes:
        end = data.rfind(_DOT)
        if end >= 0:
            return self._end(guest, data[end + len(_DOT) :])
        guest.tail = data[-4:]
        return b""

    def _end(self, guest: _Guest, rest: bytes) -> bytes:
        self._taken += 1
        if self._tell:
            print(time.monotonic(), guest.recipient.decode(), flush=True)
        guest.takes_content, guest.tail = False, b""
        return b"250 taken\r\n" + (self._obey(guest, rest) if rest else b"")

    def _obey(self, guest: _Guest, data: bytes) -> bytes:
        lines = data.split(b"\r\n")
        guest.tail = lines.pop()
        answers = []
        for line in lines:
            verb = line[:4].upper()
            if verb == b"DATA":
                guest.takes_content = True
                answers.append(b"354 go on\r\n")
            elif verb == b"EHLO":
                answers.append(_HELLO)
            elif verb == b"QUIT":
                answers.append(b"221 bye\r\n")
            else:
                if verb == b"RCPT":
                    guest.recipient = line[9:-1]
                answers.append(b"250 ok\r\n")
        return b"".join(answers)

    def _answer(self, number: int, answer: bytes) -> None:
        if self._delay:
            heapq.heappush(self._later, (time.monotonic() + self._delay, number, answer))
        else:
            self._say(number, answer)

    def _answer_what_is_due(self) -> None:
        while self._later and self._later[0][0] <= time.monotonic():
            _, number, answer = heapq.heappop(self._later)
            if number in self._guests:
                self._say(number, answer)

    def _say(self, number: int, answer: bytes) -> None:
        try:
            self._guests[number].connection.send(answer)
        except OSError:
            self._part_with(number)

    def _part_with(self, number: int) -> None:
        self._poll.unregister(number)
        self._guests.pop(number).connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--tell", action="store_true")
    given = parser.parse_args()
    _Sink(given.delay, given.tell).run()
