"""What a mail server's refusal is about: the account, recipient, content or connection.

The stage and the enhanced status code (RFC 3463, RFC 5248) decide first. Words decide if providers
use a code for something else, or if there is no enhanced code at all; the patterns are in
`refusal_words`.
"""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from nurture.domain.messages import refusal_words as words


class Stage(StrEnum):
    """What a mail server's reply answers."""

    LOGIN = "the login"
    RESET = "RSET"
    SENDER = "MAIL"
    RECIPIENT = "RCPT"
    DATA = "DATA"
    CONTENT = "the message"


class Blame(StrEnum):
    """What a refusal is about.

    `account`: no message has failed, and all of them wait. `recipient`: this address, for now or
    for good. `content`: this email. `connection`: this session, or the number of sessions.
    """

    ACCOUNT = "account"
    RECIPIENT = "recipient"
    CONTENT = "content"
    CONNECTION = "connection"


class Cause(StrEnum):
    """Why an account is not accepting mail."""

    RATE = "rate"
    QUOTA = "quota"
    SUSPENDED = "suspended"
    LOGIN = "login"
    SENDER = "sender"
    REFUSALS = "refusals"
    BOUNCES = "bounces"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal, interpreted.

    `permanent` means that the code was a 5xx, `dead` that the address itself will never work,
    `full` that the mailbox is full, `unclear` that a 5xx does not say what is wrong, and `crowded`
    or `worn` that fewer sessions or a new one may help. `cause` and `wait` are about the account:
    why it is refused, and how long the reply asks to wait, if it says so.
    """

    blame: Blame
    permanent: bool = False
    dead: bool = False
    full: bool = False
    unclear: bool = False
    crowded: bool = False
    worn: bool = False
    cause: Cause | None = None
    wait: timedelta | None = None

    @property
    def fails(self) -> bool:
        """Whether this message will never be accepted, however often it is offered."""
        personal = self.blame in (Blame.RECIPIENT, Blame.CONTENT)
        return self.permanent and personal and not (self.full or self.unclear)

    @property
    def of_the_session(self) -> bool:
        """Whether another session may well accept the same message immediately."""
        return self.crowded or self.worn


_ENHANCED = re.compile(r"[245]\.(\d{1,3})\.(\d{1,3})\b")

#: Details of subject 1 that mean that no such user exists (RFC 3463 §3.2, RFC 7505, Exchange).
_NOBODY_THERE = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10"})

#: Refusals about the sender's address, its authentication (RFC 7372, Gmail, Outlook.com) or a
#: tenant that may not send (Exchange Online).
_OF_THE_SENDER = frozenset(
    (
        *("1.7", "1.8", "1.90", "2.252", "7.8", "7.9", "7.64", "7.57", "7.60", "7.139", "7.750"),
        *(f"7.{detail}" for detail in (*range(20, 33), 40, 232, 233, 236)),
        *(f"7.{detail}" for detail in (500, 501, 502, 503, 508, 509, 511, 515)),
        *(f"7.{detail}" for detail in (700, 703, 705, 708)),
    )
)

#: Sizes, media and conversion: refusals about this email (RFC 3463 §3.4, §3.7).
_OF_THE_CONTENT = frozenset({"2.3", "3.4"})

_PROTOCOL_ERRORS = frozenset({500, 502, 503, 504})


def understand(stage: Stage, code: int, text: str) -> Refusal:
    """Interpret a 4xx or 5xx reply to `stage`.

    `text` is the whole reply without its code; it begins with the enhanced code, if there is one.
    """
    status = _status(text)
    told = (
        _of_the_mailbox(stage, status, text)
        or _of_the_session(text)
        or _of_the_account(stage, code, status, text)
        or _by_stage(stage, code, status, text)
    )
    lasts = code >= 500
    return replace(told, permanent=lasts, dead=told.dead and lasts, unclear=told.unclear and lasts)


def alike(code: int, text: str, recipient: str) -> str:
    """Return a refusal without addresses, digits and identifiers, to compare it with others."""
    name, _, domain = recipient.casefold().rpartition("@")
    status = _status(text)
    plain = text.casefold()
    for own in (recipient.casefold(), domain, name):
        plain = plain.replace(own, "·") if len(own) > 1 else plain
    plain = words.ADDRESS.sub("·", plain)
    plain = words.IDENTIFIER.sub("·", plain)
    return f"{code} {status} {' '.join(plain.split())}"[:200]


def _status(text: str) -> str:
    """Return the enhanced code's subject and detail, such as `1.1`, or an empty string."""
    found = _ENHANCED.match(text)
    return ".".join(found.groups()) if found else ""


def _of_the_mailbox(stage: Stage, status: str, text: str) -> Refusal | None:
    """Return a refusal by the recipient's own mailbox, whatever limits the reply mentions."""
    if stage in (Stage.LOGIN, Stage.SENDER):
        return None
    if status == "2.2" or words.FULL.search(text):
        return Refusal(Blame.RECIPIENT, full=True)
    if words.BUSY_RECIPIENT.search(text):
        return Refusal(Blame.RECIPIENT, unclear=True)
    if status in _NOBODY_THERE and not words.LIMITED.search(text):
        return _nobody(stage)
    if status == "2.1":
        disabled = words.DISABLED.search(text) or not words.LIMITED.search(text)
        return _nobody(stage) if disabled else None
    return None


def _nobody(stage: Stage) -> Refusal:
    """Return the refusal of an unknown user; after DATA, it may not be about the address."""
    at_recipient = stage is Stage.RECIPIENT
    return Refusal(Blame.RECIPIENT, dead=at_recipient, unclear=not at_recipient)


def _of_the_session(text: str) -> Refusal | None:
    if words.CROWDED.search(text):
        return Refusal(Blame.CONNECTION, crowded=True)
    if words.WORN_OUT.search(text):
        return Refusal(Blame.CONNECTION, worn=True)
    return None


def _of_the_account(stage: Stage, code: int, status: str, text: str) -> Refusal | None:
    cause = _cause(stage, code, status, text)
    return Refusal(Blame.ACCOUNT, cause=cause, wait=_wait(text)) if cause else None


def _cause(stage: Stage, code: int, status: str, text: str) -> Cause | None:
    if status == "5.3":  # A limit on the recipients of one transaction (RFC 5321 §4.5.3).
        return None
    if words.LIMITED.search(text) or status == "4.5":
        slow = words.LONG.search(text) or (code >= 500 and not words.THROTTLED.search(text))
        return Cause.QUOTA if slow else Cause.RATE
    if words.SUSPENDED.search(text):
        return Cause.SUSPENDED
    if stage is Stage.LOGIN or code in (530, 535):
        return Cause.LOGIN
    if code == 421 and status == "7.0":
        return Cause.RATE
    if (code >= 500 and status in _OF_THE_SENDER) or words.OF_THE_SENDER.search(text):
        return Cause.SENDER
    return None


def _by_stage(stage: Stage, code: int, status: str, text: str) -> Refusal:
    if stage is Stage.SENDER:
        return _at_sender(code, status, text)
    of_the_system = status.startswith(("3.", "5."))
    if status in _OF_THE_CONTENT:
        return Refusal(Blame.CONTENT)
    if code == 421 or code in _PROTOCOL_ERRORS or (of_the_system and code < 500):
        return Refusal(Blame.CONNECTION)
    if stage is Stage.RECIPIENT:
        return _at_recipient(status, text)
    return _at_content(code, status, text)


def _at_sender(code: int, status: str, text: str) -> Refusal:
    """Interpret a refusal before any recipient was named.

    A permanent one is about the sender, and a temporary one is about the server.
    """
    if status in _OF_THE_CONTENT or words.TOO_LARGE.search(text):
        return Refusal(Blame.CONTENT)
    if code >= 500:
        return Refusal(Blame.ACCOUNT, cause=Cause.SENDER)
    return Refusal(Blame.CONNECTION)


def _at_recipient(status: str, text: str) -> Refusal:
    if not status and words.NOBODY.search(text):
        return _nobody(Stage.RECIPIENT)
    if status.startswith("6.") or words.TOO_LARGE.search(text):
        return Refusal(Blame.CONTENT)
    return Refusal(Blame.RECIPIENT, unclear=not status or status.startswith(("3.", "5.")))


def _at_content(code: int, status: str, text: str) -> Refusal:
    if status.startswith("1.") or (not status and words.NOBODY.search(text)):
        return Refusal(Blame.RECIPIENT, unclear=True)
    if code < 500 and not words.CONTENT.search(text):
        return Refusal(Blame.RECIPIENT)
    return Refusal(Blame.CONTENT)


def _wait(text: str) -> timedelta | None:
    """Return how long a reply asks to wait, such as “in 30 minutes”."""
    found = words.WAIT.search(text)
    if found is None:
        return None
    unit = {"s": "seconds", "m": "minutes", "h": "hours"}[found[2][0].lower()]
    return min(timedelta(**{unit: int(found[1])}), timedelta(hours=24))
