"""What goes into the mail room and what comes out of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from nurture.domain.messages.refusal import Blame, Refusal
from nurture.domain.messages.status import MessageStatus
from nurture.mail.logbook import NO_LOGBOOK, Notes


@dataclass(frozen=True, slots=True)
class Envelope:
    """One finished email to one recipient.

    `message` is the ledger's number; `data` is the whole RFC 5322 message with
    CRLF line ends, ending in CRLF, not dot-stuffed. `dotless` says that no line of it
    begins with a dot, which spares looking for one in every mail. What happens to it is
    written into `notes`.
    """

    message: int
    sender: str
    recipient: str
    data: bytes
    dotless: bool = False
    notes: Notes = NO_LOGBOOK


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one envelope.

    `status` is `accepted`, `deferred`, `failed` or `in_doubt`. `reason` is a
    sentence for people, the server's own words included. `refusal` says whom the
    server's answer is about, where it gave one that refuses, and `mark` what such
    answers to different people have in common.
    """

    message: int
    status: MessageStatus
    reason: str = ""
    code: int | None = None
    refusal: Refusal | None = None
    mark: str = ""

    @property
    def address_refused(self) -> bool:
        """Whether the address is suppressed, because nobody is there."""
        return self.refusal is not None and self.refusal.dead

    @property
    def about_the_account(self) -> bool:
        """Whether nobody can be sent anything at present, whoever this was for."""
        return self.refusal is not None and self.refusal.blame is Blame.ACCOUNT


class Mailer(Protocol):
    """A way to get bytes out."""

    def offer(self, envelopes: Iterator[Envelope]) -> Iterator[Outcome]:
        """Offer envelopes, each at most once, and yield exactly one outcome for each.

        Envelopes are pulled lazily, never more than can be offered at once,
        because pulling one is the caller's promise that it is marked `sending`. Before the
        server can have one it is noted as handed over, in the envelope's `notes`, and once
        its answer has been read that is noted too, before anything else is handed over.
        Outcomes come as they are known, in any order. Trouble with the server is
        an outcome, never an exception.
        """
        ...

    def close(self) -> None:
        """Say goodbye; never raises and never changes an outcome."""
        ...
