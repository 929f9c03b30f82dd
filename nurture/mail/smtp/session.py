"""A conversation on a socket, with a deadline."""

import contextlib
import socket
import ssl
import time

from nurture.mail.mailer import Envelope, Outcome
from nurture.mail.smtp.addresses import refused_for_size
from nurture.mail.smtp.conversation import Conversation

READ_SIZE = 65_536
TLS_RECORD = 16_384

_WAIT_FOR_READING = (BlockingIOError, ssl.SSLWantReadError)
_WAIT_FOR_WRITING = (BlockingIOError, ssl.SSLWantWriteError)


class SmtpSession:
    """One connection that is greeted, encrypted and logged in as far as it is to be.

    The deadline moves only when something is finished, a write or a reply: a
    server that sends a byte now and then does not hold a message for ever.
    """

    def __init__(
        self, sock: socket.socket, *, server: str, pipelining: bool, size_limit: int, timeout: float
    ) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.conversation = Conversation(server, pipelining=pipelining)
        self.taken = 0
        self.watched_for_writing = False
        self.quiet_since = time.monotonic()
        self._timeout = timeout
        self._size_limit = size_limit
        self._encrypted = isinstance(sock, ssl.SSLSocket)
        self._writing = False
        self._unwritten = memoryview(b"")

    @property
    def deadline(self) -> float:
        """When to give up, in seconds of the monotonic clock."""
        return self.quiet_since + self._timeout

    @property
    def wants_to_write(self) -> bool:
        """True while bytes are left that the connection would not take yet."""
        return bool(self._unwritten)

    def take(self, envelope: Envelope) -> Outcome | None:
        """Begin with an envelope, or return its outcome when it is too large for the server."""
        refused = refused_for_size(envelope, self._size_limit)
        if refused is None:
            self.conversation.take(envelope)
            self.taken += 1
        return refused

    def exchange(self) -> list[Outcome]:
        """Write and read as much as is possible without waiting."""
        trouble = self._write()
        outcomes = self._read()
        if trouble:
            outcomes += self._lose(trouble)
        return outcomes

    def write(self) -> list[Outcome]:
        """Write what the conversation has to say, as far as the connection takes it."""
        trouble = self._write()
        return self._lost_while_writing(trouble) if trouble else []

    def _lost_while_writing(self, trouble: str) -> list[Outcome]:
        """Hear a server out that answered before it hung up."""
        return self._read() + self._lose(trouble)

    def _write(self) -> str:
        """Return what went wrong, or nothing."""
        try:
            while self._unwritten or self._refill():
                count = self.sock.send(self._unwritten)
                self.conversation.wrote(count)
                self._unwritten = self._unwritten[count:]
        except _WAIT_FOR_WRITING + _WAIT_FOR_READING:
            return ""
        except OSError as error:
            return _plainly(error)
        return ""

    def _refill(self) -> bool:
        """Fetch what is to be written next."""
        data = self.conversation.outgoing()
        if data or self._writing:
            self.quiet_since = time.monotonic()
        self._writing = bool(data)
        self._unwritten = memoryview(data)
        return self._writing

    def _read(self) -> list[Outcome]:
        """Take in what has arrived; what is encrypted comes record by record."""
        outcomes: list[Outcome] = []
        replies = self.conversation.replies
        while self.conversation.ended is None:
            try:
                data = self.sock.recv(READ_SIZE)
            except _WAIT_FOR_READING + _WAIT_FOR_WRITING:
                break
            except OSError as error:
                return outcomes + self._lose(_plainly(error))
            if not data:
                return outcomes + self._lose("the server hung up")
            outcomes += self.conversation.receive(data)
            if not self._encrypted:
                break
        if self.conversation.replies != replies:
            self.quiet_since = time.monotonic()
        return outcomes

    def expire(self) -> list[Outcome]:
        """Give up for want of an answer."""
        return self._lose(f"the server did not answer within {self._timeout:g} seconds")

    def _lose(self, trouble: str) -> list[Outcome]:
        """End the conversation; part of an encrypted record may have left uncounted."""
        unsure = min(len(self._unwritten), TLS_RECORD) if self._encrypted else 0
        self._unwritten = memoryview(b"")
        reason = f"the connection to {self.conversation.server} failed, {trouble}"
        return self.conversation.lost(reason, unsure=unsure)

    def rest(self) -> None:
        """Be kept for later."""
        self.conversation.rest()
        self.quiet_since = time.monotonic()

    def say_goodbye(self) -> None:
        """Send QUIT without waiting for the answer; never raises."""
        try:
            if self.conversation.ended is None and self.conversation.idle:
                self.sock.send(b"QUIT\r\n")
        except OSError:
            pass

    def hear_goodbye(self, seconds: float) -> None:
        """Give the server a moment to answer QUIT, and close; never raises.

        Closing at once would make the server's answer fail, which some log as
        an error of theirs.
        """
        try:
            self.sock.settimeout(max(0.001, seconds))
            self.sock.recv(READ_SIZE)
        except OSError:
            pass
        self.close()

    def close(self) -> None:
        """Close without a word; never raises."""
        with contextlib.suppress(OSError):
            self.sock.close()


def _plainly(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return str(error.reason or error)
    return str(error.strerror or error)
