"""Checking whether an envelope can be offered to a mail server at all."""

import re

from nurture.domain.messages.refusal import Blame, Cause, Refusal
from nurture.domain.messages.status import MessageStatus
from nurture.mail.mailer import Envelope, Outcome

_WRITABLE = re.compile(r"[!-;=?-~]+")


def refused_unseen(envelope: Envelope) -> Outcome | None:
    """Return the outcome of an envelope whose addresses cannot be written, else None.

    Only printable ASCII without spaces and angle brackets is written into a command: anything
    else needs an extension that relays rarely have (RFC 6531) or could inject another command.
    """
    if _WRITABLE.fullmatch(envelope.recipient) is None:
        why = _unwritable_recipient(envelope.recipient)
        return _failed(envelope, why, Refusal(Blame.RECIPIENT, permanent=True, dead=True))
    if envelope.sender and _WRITABLE.fullmatch(envelope.sender) is None:
        return Outcome(
            envelope.message,
            MessageStatus.DEFERRED,
            "The sender's address cannot be used: correct the From address.",
            refusal=Refusal(Blame.ACCOUNT, permanent=True, cause=Cause.SENDER),
        )
    return None


def refused_for_size(envelope: Envelope, limit: int) -> Outcome | None:
    """Return the outcome of a message above SIZE (RFC 1870; in bytes, 0 if unstated), else None."""
    size = len(envelope.data)
    if not limit or size <= limit:
        return None
    reason = f"The message has {size:,} bytes, the mail server takes {limit:,}: shorten the email."
    return _failed(envelope, reason, Refusal(Blame.CONTENT, permanent=True))


def _unwritable_recipient(recipient: str) -> str:
    if recipient and not recipient.isascii():
        return "The address holds characters that mail servers do not take (not ASCII)."
    return "The address is empty or holds a character that no address has."


def _failed(envelope: Envelope, reason: str, refusal: Refusal) -> Outcome:
    return Outcome(envelope.message, MessageStatus.FAILED, reason, refusal=refusal)
