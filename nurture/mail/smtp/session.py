"""An SMTP conversation on a socket, with a deadline."""

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
    """One connection that is greeted and, as far as the route requires, encrypted and logged in.

    The deadline is extended only when a write or a reply is complete: a server that
    sends an occasional byte cannot hold up a message for ever.
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
        """True while the connection has yet to accept some bytes."""
        return bool(self._unwritten)

    def take(self, envelope: Envelope) -> Outcome | None:
        """Begin with an envelope, or return its outcome if it is too large for the server."""
        refused = refused_for_size(envelope, self._size_limit)
        if refused is None:
            self.conversation.take(envelope)
            self.taken += 1
        return refused

    def exchange(self) -> list[Outcome]:
        """Write and read as much as possible without waiting."""
        trouble = self._write()
        outcomes = self._read()
        if trouble:
            outcomes += self._lose(trouble)
        return outcomes

    def write(self) -> list[Outcome]:
        """Write the conversation's pending bytes, as far as the connection accepts them."""
        trouble = self._write()
        return self._lost_while_writing(trouble) if trouble else []

    def _lost_while_writing(self, trouble: str) -> list[Outcome]:
        """Read any answer the server sent before it hung up."""
        return self._read() + self._lose(trouble)

    def _write(self) -> str:
        """Write the pending bytes; return what went wrong, or an empty string."""
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
        """Fetch the bytes to write next; return whether there are any."""
        data = self.conversation.outgoing()
        if data or self._writing:
            self.quiet_since = time.monotonic()
        self._writing = bool(data)
        self._unwritten = memoryview(data)
        return self._writing

    def _read(self) -> list[Outcome]:
        """Process what has arrived; encrypted data arrives record by record."""
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
        """Give up because no answer came in time."""
        return self._lose(f"the server did not answer within {self._timeout:g} seconds")

    def _lose(self, trouble: str) -> list[Outcome]:
        """End the conversation; part of an encrypted record may have been sent uncounted."""
        unsure = min(len(self._unwritten), TLS_RECORD) if self._encrypted else 0
        self._unwritten = memoryview(b"")
        reason = f"the connection to {self.conversation.server} failed, {trouble}"
        return self.conversation.lost(reason, unsure=unsure)

    def rest(self) -> None:
        """Note that the session is being kept for later."""
        self.conversation.rest()
        self.quiet_since = time.monotonic()

    def say_goodbye(self) -> None:
        """Send QUIT without waiting for the answer; never raise."""
        try:
            if self.conversation.ended is None and self.conversation.idle:
                self.sock.send(b"QUIT\r\n")
        except OSError:
            pass

    def hear_goodbye(self, seconds: float) -> None:
        """Give the server a moment to answer QUIT, and close; never raise.

        Closing immediately would make the server's answer fail, which some servers log as
        an error of their own.
        """
        try:
            self.sock.settimeout(max(0.001, seconds))
            self.sock.recv(READ_SIZE)
        except OSError:
            pass
        self.close()

    def close(self) -> None:
        """Close without sending QUIT; never raise."""
        with contextlib.suppress(OSError):
            self.sock.close()


def _plainly(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return str(error.reason or error)
    return str(error.strerror or error)
