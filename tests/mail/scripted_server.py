"""A mail server that follows a script: what to answer at which stage, and where to fail.

It reads what really arrives on a socket, so it knows what a client did, not just what the client
says it did: `accepted` is filled before the answer that says so is sent.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NoReturn, Self

HOST = "127.0.0.1"


class Fault(Enum):
    """What a server may do instead of answering."""

    DROP = "drop"
    SILENCE = "silence"
    DRIP = "slow drip"


GARBAGE = "\x00\x7f complete nonsense"
Answer = str | Fault
_USUAL = {
    "greeting": "220 scripted.example.org ready",
    "STARTTLS": "220 go ahead",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 sender ok",
    "RCPT": "250 2.1.5 recipient ok",
    "DATA": "354 go on",
    "content": "to be read to the end",
    "dot": "250 2.0.0 queued",
    "RSET": "250 2.0.0 reset",
    "QUIT": "221 2.0.0 bye",
}


@dataclass(frozen=True)
class Accepted:
    """A message that the server accepted, whether or not the client learnt that."""

    sender: str
    recipient: str
    data: bytes


@dataclass(eq=False)
class Visit:
    """What happened on one connection: the commands, and the bytes of each arrival."""

    commands: list[str] = field(default_factory=list)
    arrivals: list[bytes] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


class _GoneError(Exception):
    """The connection has ended."""


class ScriptedServer:
    """A mail server on a free loopback port, one thread per connection, during the block.

    `script` gives for a stage (greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, content, dot,
    RSET, QUIT) either one permanent answer, or a list to be used up before the usual answers; None
    in a list is the usual answer. `delay` is in seconds, before each answer or group of answers;
    `late_greeting` applies to every connection but the first. `at_once` is how many connections are
    admitted, and `served` how many of the oldest get the usual answers whatever the script says.
    """

    def __init__(
        self,
        script: dict[str, Answer | list[Answer | None]] | None = None,
        *,
        pipelining: bool = True,
        extensions: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        delay: float = 0.0,
        late_greeting: float = 0.0,
        at_once: int = 1000,
        served: int = 0,
        receive_buffer: int = 0,
    ) -> None:
        self.accepted: list[Accepted] = []
        self.visits: list[Visit] = []
        self.open_now = 0
        self._script = dict(script or {})
        self._extensions = [*(["PIPELINING"] if pipelining else []), *extensions]
        self._tls = tls
        self._implicit_tls = implicit_tls
        self._delay = delay
        self._late_greeting = late_greeting
        self._at_once = at_once
        self._served = served
        self._open: list[Visit] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket()
        if receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The URL for NURTURE_SMTP_URL."""
        return f"smtp://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._listener.bind((HOST, 0))
        self._listener.listen(64)
        self._start(self._let_in)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.hang_up()
        _end(self._listener)
        for thread in self._threads:
            thread.join(5)
        for sock in [self._listener, *self._sockets]:
            sock.close()

    def hang_up(self) -> None:
        """Drop every connection."""
        for sock in self._sockets:
            _end(sock)

    def say(self, text: str) -> None:
        """Send something unasked on every connection."""
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.sendall(text.encode() + b"\r\n")

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _let_in(self) -> None:
        while not self._over.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            visit = Visit()
            self.visits.append(visit)
            self.remember(sock)
            self._start(self._serve, sock, visit)

    def remember(self, sock: socket.socket) -> None:
        """Remember a connection to be closed at the end of the block."""
        self._sockets.append(sock)

    def _serve(self, sock: socket.socket, visit: Visit) -> None:
        with self._lock:
            self.open_now += 1
            self._open.append(visit)
            crowded = self.open_now > self._at_once
        if visit is not self.visits[0]:
            time.sleep(self._late_greeting)
        try:
            _Guest(self, sock, visit).serve(crowded)
        except (_GoneError, OSError):
            pass
        finally:
            with self._lock:
                self.open_now -= 1
                self._open.remove(visit)
            _end(sock)
            sock.close()

    def answer(self, stage: str, visit: Visit) -> Answer:
        """Return what the script currently answers at a stage of a connection."""
        with self._lock:
            if visit in self._open[: self._served]:
                return self._usual(stage)
            answer = self._script.get(stage)
            if isinstance(answer, list):
                answer = answer.pop(0) if answer else None
            return answer or self._usual(stage)

    def _usual(self, stage: str) -> str:
        if stage in ("EHLO", "HELO"):
            tls = ["STARTTLS"] if self._tls and not self._implicit_tls else []
            lines = ["scripted.example.org", *self._extensions, *tls]
            return "\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"])
        return _USUAL.get(stage, "500 5.5.1 what?")

    @property
    def goes_on(self) -> bool:
        """False once the block has been left."""
        return not self._over.is_set()

    @property
    def delay(self) -> float:
        """Seconds before each answer."""
        return self._delay

    @property
    def tls(self) -> ssl.SSLContext | None:
        """The TLS context for encryption."""
        return self._tls

    @property
    def encrypted_from_the_start(self) -> bool:
        """True for implicit TLS, as with smtps://."""
        return self._implicit_tls


class _Guest:
    """One connection being served."""

    def __init__(self, server: ScriptedServer, sock: socket.socket, visit: Visit) -> None:
        self._server = server
        self._sock = sock
        self._visit = visit
        self._arrived = b""
        self._said: list[str] = []
        self._sender: str | None = None
        self._recipient = ""

    def serve(self, crowded: bool) -> None:
        if self._server.encrypted_from_the_start:
            self._encrypt()
        if crowded:
            self._say("421 4.7.0 too many connections")
            return self._speak()
        self._answer("greeting")
        for command in self._commands():
            self._visit.commands.append(command)
            self._obey(command)
            if command.upper() == "QUIT":
                return self._speak()

    def _commands(self) -> Iterator[str]:
        while True:
            yield self._upto(b"\r\n").decode("latin-1")

    def _upto(self, end: bytes) -> bytes:
        searched = 0
        while (found := self._arrived.find(end, searched)) < 0:
            searched = max(0, len(self._arrived) - len(end))
            self._arrived += self._receive()
        piece, self._arrived = self._arrived[:found], self._arrived[found + len(end) :]
        return piece

    def _receive(self) -> bytes:
        self._speak()
        data = self._sock.recv(262_144)
        if not data:
            raise _GoneError
        self._visit.arrivals.append(data)
        return data

    def _obey(self, command: str) -> None:
        verb = command[:4].upper() if command[:8].upper() != "STARTTLS" else "STARTTLS"
        if verb == "MAIL" and self._sender is not None:
            self._visit.complaints.append("nested MAIL")
        if verb in ("RCPT", "DATA") and self._sender is None:
            return self._say("503 5.5.1 MAIL first")
        code = self._answer(verb)
        if code == 220 and verb == "STARTTLS":
            self._speak()
            self._encrypt()
        elif verb == "MAIL" and code == 250:
            self._sender, self._recipient = command[11:-1], ""
        elif verb == "RCPT" and code == 250:
            self._recipient = command[9:-1]
        elif verb == "RSET":
            self._sender = None
        elif code == 354:
            self._take_content()

    def _encrypt(self) -> None:
        assert self._server.tls is not None
        self._sock = self._server.tls.wrap_socket(self._sock, server_side=True)
        self._server.remember(self._sock)

    def _take_content(self) -> None:
        fault = self._server.answer("content", self._visit)
        if fault != _USUAL["content"]:
            self._arrived += self._receive()
            self._give(fault)
            self._speak()
            raise _GoneError
        self._arrived = b"\r\n" + self._arrived
        content = self._upto(b"\r\n.\r\n") + b"\r\n"
        data = content[2:].replace(b"\r\n..", b"\r\n.")
        data = data[1:] if data.startswith(b"..") else data
        answer = self._server.answer("dot", self._visit)
        if not self._recipient:
            answer = "554 5.5.1 no valid recipients"
        if not (isinstance(answer, str) and answer[0] in "45"):
            accepted = Accepted(self._sender or "", self._recipient, data)
            self._server.accepted.append(accepted)
        self._sender = None
        self._give(answer)

    def _answer(self, stage: str) -> int:
        return self._give(self._server.answer(stage, self._visit))

    def _give(self, answer: Answer) -> int:
        if isinstance(answer, Fault):
            self._fail(answer)
        self._say(answer)
        if answer.startswith("421"):
            self._speak()
            raise _GoneError
        return int(answer[:3]) if answer[:3].isdigit() else 0

    def _say(self, answer: str) -> None:
        self._said.append(answer + "\r\n")

    def _speak(self) -> None:
        if self._said:
            time.sleep(self._server.delay)
            said, self._said = "".join(self._said), []
            self._sock.sendall(said.encode("latin-1"))

    def _fail(self, fault: Fault) -> NoReturn:
        self._speak()
        while fault is Fault.SILENCE and self._server.goes_on:
            time.sleep(0.005)
        while fault is Fault.DRIP and self._server.goes_on:
            self._sock.sendall(b"2")
            time.sleep(0.005)
        raise _GoneError


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
