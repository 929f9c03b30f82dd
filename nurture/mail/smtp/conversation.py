"""One SMTP session after EHLO, without a socket: bytes in, bytes and outcomes out.

The purpose of this module is to know, for every envelope and at every moment, whether the
server can have accepted it. A message counts as possibly accepted from the first byte of its
final dot: a fault before that is retried without risk; a fault after it makes the message
`in_doubt`, which is never retried automatically.

With PIPELINING (RFC 2920) the sender, the recipient and DATA go out together, and the content
of one message goes out together with the commands of the next, so that a message costs one
round trip.
"""

import re
from collections import deque
from dataclasses import dataclass

from nurture.domain.messages.refusal import Blame, Cause, Refusal, Stage, alike, understand
from nurture.domain.messages.status import MessageStatus
from nurture.mail.mailer import Envelope, Outcome
from nurture.mail.smtp.replies import GarbledReplyError, Reply, ReplyReader

CLOSING = 421
AUTHENTICATION_REQUIRED = 530


_WELCOME = {Stage.RESET: 2, Stage.SENDER: 2, Stage.RECIPIENT: 2, Stage.DATA: 3, Stage.CONTENT: 2}

#: For 40 KB of markup full of dots, this takes a third of the time of `b"\n." in data`.
_DOT_LINE = re.compile(rb"\n\.")


@dataclass(slots=True)
class _Transaction:
    """One envelope in progress; `dot` is the offset of its final dot in the stream."""

    envelope: Envelope
    opened: bool = False
    settled: bool = False
    dot: int | None = None


@dataclass(slots=True)
class _Awaited:
    """An expected reply, due once the stream has been written up to `until`."""

    stage: Stage
    transaction: _Transaction | None
    until: int


class Conversation:
    """The state of one session.

    The driver passes it envelopes while `wants_envelope`, writes what `outgoing` returns, reports
    progress to `wrote`, passes incoming data to `receive`, and calls `lost` when the connection
    fails or times out. Every envelope given to `take` comes back exactly once: in an outcome, or in
    `unmet` if nothing refused it, because the session had died unnoticed, was `closed` by the
    server after something else, or was `turned_away` as a session.
    """

    def __init__(self, server: str, *, pipelining: bool) -> None:
        self.server = server
        self.pipelining = pipelining
        self.ended: str | None = None
        self.fruitful = False
        self.accepted = 0
        self.replies = 0
        self.unmet: list[Envelope] = []
        self.turned_away: Refusal | None = None
        self._turned_away_why = ""
        self.closed = False
        self._rested = False
        self._reset_needed = False
        self._reader = ReplyReader()
        self._transactions: deque[_Transaction] = deque()
        self._script: deque[tuple[Stage, bytes, _Transaction | None]] = deque()
        self._awaited: deque[_Awaited] = deque()
        self._outgoing: list[bytes] = []
        self._composed = 0
        self._written = 0
        self._outcomes: list[Outcome] = []

    @property
    def idle(self) -> bool:
        """True while no envelope is in progress."""
        return not self._transactions

    @property
    def wants_envelope(self) -> bool:
        """True when one more envelope could be written now, perhaps before the last is answered."""
        if self.ended is not None or self.turned_away is not None:
            return False
        if not self._transactions:
            return not self._awaited
        return (
            self.pipelining
            and len(self._transactions) == 1
            and self._transactions[0].dot is not None
        )

    def rest(self) -> None:
        """Note that the session is being kept for later and may die unnoticed.

        Until the next reply, a loss is not blamed on any message: the envelopes go to `unmet`.
        """
        self._rested = True

    def take(self, envelope: Envelope) -> None:
        """Begin with an envelope whose addresses are safe to write (see `addresses`)."""
        transaction = _Transaction(envelope)
        self._transactions.append(transaction)
        if self._reset_needed:
            self._script.append((Stage.RESET, b"RSET\r\n", None))
            self._reset_needed = False
        sender = b"MAIL FROM:<%b>\r\n" % envelope.sender.encode("ascii")
        recipient = b"RCPT TO:<%b>\r\n" % envelope.recipient.encode("ascii")
        self._script.append((Stage.SENDER, sender, transaction))
        self._script.append((Stage.RECIPIENT, recipient, transaction))
        self._script.append((Stage.DATA, b"DATA\r\n", transaction))
        self._speak()

    def _speak(self) -> None:
        while self._script and (self.pipelining or not self._awaited):
            stage, line, transaction = self._script.popleft()
            self._write(line)
            self._await(stage, transaction)

    def _write(self, data: bytes) -> None:
        self._outgoing.append(data)
        self._composed += len(data)

    def _await(self, stage: Stage, transaction: _Transaction | None) -> None:
        self._awaited.append(_Awaited(stage, transaction, self._composed))

    def outgoing(self) -> bytes:
        """Return and clear the bytes to write next; empty if there are none."""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data

    def wrote(self, count: int) -> None:
        """Note that `count` more bytes were sent and may have reached the server."""
        self._written += count

    def receive(self, data: bytes) -> list[Outcome]:
        """Process what the server sent and return the outcomes now known."""
        try:
            for reply in self._reader.feed(data):
                self._hear(reply)
                if self.ended is not None:
                    break
        except GarbledReplyError as trouble:
            self._end(f"{self.server} cannot be understood: {trouble}")
        return self._harvest()

    def lost(self, reason: str, *, unsure: int = 0) -> list[Outcome]:
        """End the session after a fault and return the outcomes of all that was in progress.

        `reason` is a sentence without its full stop. `unsure` counts bytes in addition to those
        reported to `wrote` that may have been sent anyway.
        """
        self._written += unsure
        self._end(reason)
        return self._harvest()

    def _harvest(self) -> list[Outcome]:
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def _hear(self, reply: Reply) -> None:
        if not self._awaited:
            return self._end(f"{self.server} ended the session or spoke unasked: {reply}")
        stage, transaction = self._awaited[0].stage, self._awaited[0].transaction
        if reply.code == CLOSING:
            return self._close(transaction, reply)
        self._rested = False
        self.replies += 1
        if reply.code == AUTHENTICATION_REQUIRED and stage is not Stage.CONTENT:
            return self._demand_login(transaction, reply)
        if self._written < self._awaited[0].until:
            return self._interrupt(stage, transaction, reply)
        self._awaited.popleft()
        self._follow(stage, transaction, reply)

    def _close(self, transaction: _Transaction | None, reply: Reply) -> None:
        reason = f"{self.server} closed the session: {reply}"
        self.closed = True
        if transaction is not None and not self._rested:
            stage = self._awaited[0].stage
            refusal = understand(stage, reply.code, reply.text)
            if self._is_of_the_session(stage, refusal) and not transaction.settled:
                self._turn_away(transaction, refusal, reply)
            else:
                self._settle(transaction, MessageStatus.DEFERRED, reason, reply.code, refusal)
        self._end(reason)

    def _demand_login(self, transaction: _Transaction | None, reply: Reply) -> None:
        reason = (
            f"{self.server} takes no mail before logging in or encrypting: {reply}. "
            "Check the user name, the password and starttls in NURTURE_SMTP_URL"
        )
        if transaction is not None:
            refusal = understand(Stage.LOGIN, reply.code, reply.text)
            self._settle(transaction, MessageStatus.DEFERRED, f"{reason}.", refusal=refusal)
        self._end(reason)

    def _interrupt(self, stage: Stage, transaction: _Transaction | None, reply: Reply) -> None:
        """Handle an answer that arrived before its question was completely written.

        A refusal in the middle of the content is believed; an acceptance cannot be about
        content that the server has not seen.
        """
        if stage is Stage.CONTENT and transaction is not None and reply.code >= 400:
            self._refuse(stage, transaction, reply)
        self._end(f"{self.server} answered too early: {reply}")

    def _follow(self, stage: Stage, transaction: _Transaction | None, reply: Reply) -> None:
        kind = reply.code // 100
        if kind == _WELCOME[stage]:
            self._proceed(stage, transaction, reply)
        elif transaction is not None and kind in (4, 5):
            self._refuse(stage, transaction, reply)
        else:
            self._end(f"{self.server} gave an answer to {stage} that makes no sense: {reply}")

    def _proceed(self, stage: Stage, transaction: _Transaction | None, reply: Reply) -> None:
        if transaction is None or stage is Stage.RECIPIENT:
            self._speak()
        elif stage is Stage.SENDER:
            transaction.opened = True
            self._speak()
        elif stage is Stage.DATA:
            self._hand_over(transaction)
        else:
            self._settle(transaction, MessageStatus.ACCEPTED, str(reply), reply.code)
            self.accepted += 1
            self._finish(transaction)

    def _hand_over(self, transaction: _Transaction) -> None:
        """Write the content; an already refused message gets an empty one (RFC 2920 §3.1)."""
        if not transaction.settled:
            envelope = transaction.envelope
            try:
                envelope.notes.handing_over(envelope.message)
            except OSError as trouble:
                return self._end(f"it could not be noted ({trouble.strerror})")
            self._write(envelope.data if envelope.dotless else dot_stuffed(envelope.data))
        transaction.dot = self._composed
        self._write(b".\r\n")
        self._await(Stage.CONTENT, transaction)

    def _refuse(self, stage: Stage, transaction: _Transaction, reply: Reply) -> None:
        refusal = understand(stage, reply.code, reply.text)
        if self._is_of_the_session(stage, refusal) and not transaction.settled:
            self._turn_away(transaction, refusal, reply)
        else:
            self._settle_refusal(stage, transaction, refusal, reply)
        if stage is Stage.CONTENT:
            self._finish(transaction)
        elif stage is Stage.DATA or not self.pipelining:
            self._reset_needed = transaction.opened
            self._script.clear()
            self._finish(transaction)

    def _is_of_the_session(self, stage: Stage, refusal: Refusal) -> bool:
        """Return whether a refusal may concern this session rather than the message.

        A server that limits messages per session may put off the next one. If the refusal has
        another cause, a new session will be given the same answer.
        """
        used_up = stage is Stage.SENDER and self.accepted > 0 and not refusal.permanent
        perhaps = refusal.blame is Blame.CONNECTION or refusal.cause is Cause.RATE
        return refusal.of_the_session or (used_up and perhaps)

    def _turn_away(self, transaction: _Transaction, refusal: Refusal, reply: Reply) -> None:
        """Let another session take over from this one, without blaming a message.

        What was written ahead is finished first: a server still waiting for content would
        count the session for a long time.
        """
        self.turned_away = refusal
        self._turned_away_why = f"{self.server} asks for fewer or fresh sessions: {reply}"
        if transaction.dot is not None:
            number = transaction.envelope.message
            transaction.envelope.notes.heard(number, MessageStatus.DEFERRED)
        transaction.settled = True
        self.unmet.append(transaction.envelope)

    def _settle_refusal(
        self, stage: Stage, transaction: _Transaction, refusal: Refusal, reply: Reply
    ) -> None:
        mark = alike(reply.code, reply.text, transaction.envelope.recipient)
        if reply.code < 500:
            reason = f"{self.server} asks to try {stage} again later: {reply}"
        else:
            reason = f"{self.server} refused {'the address' if refusal.dead else stage}: {reply}"
        status = MessageStatus.FAILED if refusal.fails else MessageStatus.DEFERRED
        self._settle(transaction, status, reason, reply.code, refusal, mark)

    def _finish(self, transaction: _Transaction) -> None:
        self._transactions.remove(transaction)
        self.fruitful = True
        if self.turned_away is not None and not self._transactions:
            self._end(self._turned_away_why)

    def _settle(
        self,
        transaction: _Transaction,
        status: MessageStatus,
        reason: str,
        code: int | None = None,
        refusal: Refusal | None = None,
        mark: str = "",
    ) -> None:
        """Fix the outcome; later answers about the same message change nothing."""
        if transaction.settled:
            return
        transaction.settled = True
        number = transaction.envelope.message
        if transaction.dot is not None:
            transaction.envelope.notes.heard(number, status)
        whole = transaction.dot is not None and self._written > transaction.dot
        self._outcomes.append(Outcome(number, status, reason, code, refusal, mark, whole))

    def _end(self, reason: str) -> None:
        if self.ended is not None:
            return
        self.ended = reason
        for transaction in self._transactions:
            if self._rested or ((self.turned_away or self.closed) and transaction.dot is None):
                self._give_back(transaction)
            else:
                self._settle_fault(transaction, reason)
        self._transactions.clear()
        self._awaited.clear()
        self._script.clear()
        self._outgoing.clear()

    def _give_back(self, transaction: _Transaction) -> None:
        if not transaction.settled:
            self.unmet.append(transaction.envelope)

    def _settle_fault(self, transaction: _Transaction, reason: str) -> None:
        if transaction.dot is not None and self._written > transaction.dot:
            reason = f"The message was handed over but not answered: {reason}."
            return self._settle(transaction, MessageStatus.IN_DOUBT, reason)
        reason = f"The message was not handed over: {reason}."
        self._settle(transaction, MessageStatus.DEFERRED, reason)


def dot_stuffed(data: bytes) -> bytes:
    """Return the content in its transmitted form, ending in CRLF (RFC 5321 §4.5.2).

    A dot after a bare line feed is doubled too: some servers treat such a line
    as the end of the message.
    """
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    if _DOT_LINE.search(data):
        data = data.replace(b"\n.", b"\n..")
    return b"." + data if data.startswith(b".") else data
