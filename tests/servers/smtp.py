"""A real mail server that stores what it receives, and refuses what it is told to."""

import asyncio
import email
import email.policy
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cached_property
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
ACCEPTED = "250 2.0.0 Taken"


@dataclass(frozen=True)
class Mail:
    """One message as it was accepted; `number` is its place in the order of arrival, from 0."""

    number: int
    sender: str
    recipients: tuple[str, ...]
    data: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The parsed message."""
        return email.message_from_bytes(self.data, policy=email.policy.default)


class SmtpSink:
    """A mail server on a free loopback port, in a thread, running during the block.

    `mails` is everything accepted so far, in order. It announces PIPELINING, 8BITMIME,
    SIZE and SMTPUTF8, and neither TLS nor authentication.
    """

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.port = 0
        #: What every message is answered at MAIL, RCPT or after its content (DATA); and by whom.
        self.answers: dict[str, str] = {}
        self.decides: dict[str, Callable[[str], str | None]] = {}
        self._refusals: dict[str, str] = {}
        self._greylisted: dict[str, int] = {}
        self._arrival = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        """The URL for NURTURE_SMTP_URL."""
        return f"smtp://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        """Listen; when this returns, the port is known and connections are accepted."""
        self._thread.start()
        listening = self._loop.create_server(self._conversation, HOST, 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections and end the thread."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def refuse(self, address: str, answer: str = "550 5.1.1 No such user") -> None:
        """Answer every `RCPT TO` of this address with `answer` from now on."""
        self._refusals[address.casefold()] = answer

    def greylist(self, address: str, times: int = 1) -> None:
        """Put this address off with a 451 the next `times` times it is offered."""
        self._greylisted[address.casefold()] = times

    def welcome(self, address: str) -> None:
        """Accept this address again."""
        self._refusals.pop(address.casefold(), None)
        self._greylisted.pop(address.casefold(), None)

    def mails_to(self, address: str) -> list[Mail]:
        """Return what was accepted for this address, in order of arrival."""
        with self._arrival:
            return [mail for mail in self.mails if address in mail.recipients]

    def wait_for(self, count: int, seconds: float = 5) -> list[Mail]:
        """Return all emails once there are at least `count`; fail if there are not in time."""
        deadline = time.monotonic() + seconds
        with self._arrival:
            while len(self.mails) < count:
                if not self._arrival.wait(max(0, deadline - time.monotonic())):
                    raise AssertionError(
                        f"{count} mails were expected within {seconds} s, "
                        f"{len(self.mails)} came, to {[mail.recipients for mail in self.mails]}"
                    )
            return list(self.mails)

    async def handle_EHLO(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Announce the extensions offered."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a recipient, or answer as the test requested."""
        known_as = address.casefold()
        if refusal := self._refusals.get(known_as) or self._decided("RCPT", address):
            return refusal
        if self._greylisted.get(known_as, 0) > 0:
            self._greylisted[known_as] -= 1
            return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient ok"

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a sender, or answer as the test requested."""
        if refusal := self._decided("MAIL", address):
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender ok"

    def _decided(self, stage: str, address: str) -> str | None:
        decide = self.decides.get(stage)
        return (decide(address) if decide else None) or self.answers.get(stage)

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Store a message exactly as it arrived."""
        data = envelope.original_content
        assert data is not None
        if refusal := self._decided("DATA", envelope.rcpt_tos[0]):
            return refusal
        with self._arrival:
            self.mails.append(
                Mail(len(self.mails), envelope.mail_from or "", tuple(envelope.rcpt_tos), data)
            )
            self._arrival.notify_all()
        return ACCEPTED

    def _conversation(self) -> asyncio.Protocol:
        return SMTP(self, hostname="sink.example.org", enable_SMTPUTF8=True, loop=self._loop)

    async def _hang_up(self) -> None:
        self._server.close()
        conversations = asyncio.all_tasks() - {asyncio.current_task()}
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
