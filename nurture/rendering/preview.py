"""An email as one person would see it, with links that do not work."""

from dataclasses import dataclass, replace
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from nurture.domain.practice import Practice
from nurture.domain.sequences.sequence import Sequence, StepKind
from nurture.rendering.compile import CompiledEmail
from nurture.rendering.message import PreparedEmail, Recipient, Surroundings
from nurture.tokens import Tokens

#: Signs with a key that no running program has, so that nothing it signs opens anything.
_INERT = Tokens(["an address in a preview opens nothing"])


def inert(practice: Practice, public_url: str = "https://check.invalid") -> Surroundings:
    """Return what a shown or checked email is rendered with: no address in it opens anything."""
    return Surroundings(practice, _INERT, public_url)


@dataclass(frozen=True, slots=True)
class Preview:
    """The email as a recipient would see it."""

    subject: str
    preheader: str
    html: str
    text: str

    @property
    def size(self) -> int:
        """The size of the HTML in bytes; Gmail shows the first 102 KB."""
        return len(self.html.encode())


def preview_email(
    email: CompiledEmail,
    sequence: Sequence,
    kind: StepKind,
    practice: Practice,
    public_url: str,
    first_name: str = "",
) -> Preview:
    """Return the email for a person of that name; nothing is counted and its links do not work."""
    data = _message(email, sequence, kind, practice, public_url, _somebody(first_name), _EPOCH)
    message = message_from_bytes(data, policy=policy.default)
    return Preview(
        str(message["Subject"]), email.preheader, _part(message, "html"), _part(message, "plain")
    )


def trial_message(
    email: CompiledEmail,
    sequence: Sequence,
    kind: StepKind,
    practice: Practice,
    public_url: str,
    address: str,
    first_name: str,
    now: datetime,
) -> bytes:
    """Return the whole message to the owner's own address, marked as a test in its subject."""
    marked = replace(email, subject=f"[Test] {email.subject}")
    to = replace(_somebody(first_name), address=address, message=trial_number(now))
    return _message(marked, sequence, kind, practice, public_url, to, now)


def trial_number(now: datetime) -> int:
    """Return a number that belongs to no message in the ledger and to no other test."""
    return int(now.timestamp() * 1_000_000)


_EPOCH = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


def _message(
    email: CompiledEmail,
    sequence: Sequence,
    kind: StepKind,
    practice: Practice,
    public_url: str,
    to: Recipient,
    now: datetime,
) -> bytes:
    around = inert(practice, public_url)
    return PreparedEmail(email, sequence, kind, around).message(to, now)


def _somebody(first_name: str) -> Recipient:
    return Recipient(0, 0, 0, "somebody@example.org", first_name, tracking=False)


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return part.get_content() if part else ""
