"""The input and output of a mailer: envelopes, outcomes and the protocol."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from nurture.domain.messages.refusal import Blame, Refusal
from nurture.domain.messages.retries import Answer
from nurture.domain.messages.status import MessageStatus
from nurture.mail.logbook import NO_LOGBOOK, Notes


@dataclass(frozen=True, slots=True)
class Envelope:
    """One finished email to one recipient.

    `message` is its number in the ledger; `data` is the whole RFC 5322 message with CRLF line
    ends, ending in CRLF, not dot-stuffed. `dotless` means that no line of it begins with a dot,
    which saves searching every email for one. What happens to it is recorded in `notes`.
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

    `status` is `accepted`, `deferred`, `failed` or `in_doubt`. `reason` is a sentence to show,
    including the server's own words. If the server refused, `refusal` says what its answer is
    about, and `mark` is what such answers to different recipients have in common. `handed_over`
    says that the server has, or may have, received the whole email, whatever it answered.
    """

    message: int
    status: MessageStatus
    reason: str = ""
    code: int | None = None
    refusal: Refusal | None = None
    mark: str = ""
    handed_over: bool = False

    @property
    def counts(self) -> bool:
        """Whether it counts towards the account's limits."""
        taken = self.status in (MessageStatus.ACCEPTED, MessageStatus.IN_DOUBT)
        return taken or self.handed_over

    @property
    def answer(self) -> Answer:
        """The server's answer, in the form that the domain decides on."""
        return Answer(self.status, self.code, self.refusal)

    @property
    def address_refused(self) -> bool:
        """Whether the address does not exist and is therefore suppressed."""
        return self.refusal is not None and self.refusal.dead

    @property
    def about_the_account(self) -> bool:
        """Whether nothing can currently be sent to anyone, regardless of the recipient."""
        return self.refusal is not None and self.refusal.blame is Blame.ACCOUNT

    @property
    def counts_towards_a_run(self) -> bool:
        """Whether this refusal, if repeated for others, would point to the account."""
        permanent = self.refusal is not None and self.refusal.permanent
        return bool(self.mark) and permanent and not self.about_the_account


class Mailer(Protocol):
    """A way of sending finished emails."""

    def offer(
        self, envelopes: Iterator[Envelope], connections: int | None = None
    ) -> Iterator[Outcome]:
        """Offer envelopes, each at most once, and yield exactly one outcome for each.

        If a number of `connections` is given, no more are open at a time, and none afterwards.

        Envelopes are pulled lazily, never more than can be offered together, because by yielding
        one the caller promises that it is marked `sending`. Before the server can have received
        an envelope, its `notes` record that it was handed over; once its answer has been read,
        they record that too, before anything else is handed over. Outcomes are yielded as they
        become known, in any order. A fault of the server is an outcome, never an exception.
        """

    def close(self) -> None:
        """Close all connections; never raise and never change an outcome."""
