"""What bounces mean: dead addresses, full mailboxes, tired ones, and a jump of them all at once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.messages.refusal import Blame, Stage, understand
from nurture.domain.messages.refusal_words import CONTENT, FULL


class Bounce(StrEnum):
    """What kind of bounce an event is.

    `hard`: the address is no good. `soft`: not now. `full`: the mailbox is full. `held`: hard,
    but it came in a jump of bounces that the owner has not looked at yet. `dismissed`: the
    owner looked, and it was a mistake of a mail server's.
    """

    HARD = "hard"
    SOFT = "soft"
    FULL = "full"
    HELD = "held"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Returned:
    """Something told of mail to one address: a bounce or, where that is `None`, an arrival."""

    at: datetime
    bounce: Bounce | None


#: So many soft bounces in a row, over so long, are taken for a bounce for good.
SOFT_IN_A_ROW, SOFT_OVER = 5, timedelta(days=14)

#: A mailbox that has been full for so long is shown to the owner.
FULL_FOR = timedelta(days=60)

#: A jump: more than this share of the mails of a day came back for good, and so many at least.
JUMP_SHARE, JUMP_AT_LEAST, JUMP_WITHIN = 0.05, 10, timedelta(days=1)

_ENHANCED = re.compile(r"(?<![\d.])[45]\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
#: Words of providers' own, and of mail servers that give no enhanced code.
_FULL = re.compile(
    r"mailbox\s?full|\b(is|was|too) full\b.{0,40}\b(mail|in)box|exceeded storage allocation"
    r"|\bquota exceeded\b|\bout of (storage|space|quota)\b",
    re.IGNORECASE,
)
_REPLY = re.compile(r"\b([45]\d\d)[ -]+(\S.*)", re.DOTALL)


def says_full(reason: str) -> bool:
    """Whether a mail server's words say that the mailbox is full; codes go before words."""
    told = _ENHANCED.findall(reason)
    if ("2", "2") in told:
        return True
    if any(subject in ("1", "7") for subject, _ in told):
        return False
    return bool(FULL.search(reason) or _FULL.search(reason))


def kind_of(permanent: bool, reason: str) -> Bounce:
    """What kind a bounce is, by what the provider made of it and what the mail server said.

    A full mailbox is a mailbox, also where a provider gives up on the mail for good, and a
    refusal of the sender or the content says nothing about the address.
    """
    if says_full(reason):
        return Bounce.FULL
    return Bounce.HARD if permanent and _is_of_the_address(reason) else Bounce.SOFT


def tired_since(told: Iterable[Returned], after: datetime | None = None) -> datetime | None:
    """When soft bounces in a row came to a bounce for good, or `None` where they have not.

    Only what happened later than `after` counts. An arrival ends the row, also where it
    comes last; other bounces neither end it nor count.
    """
    row = _row(Bounce.SOFT, (one for one in told if after is None or one.at > after))
    enough = row[SOFT_IN_A_ROW - 1 :]
    return next((at for at in enough if at - row[0] >= SOFT_OVER), None)


def full_since(told: Iterable[Returned]) -> datetime | None:
    """Since when a mailbox has been full for too long, or `None`; an arrival ends it."""
    row = _row(Bounce.FULL, told)
    return row[0] if row and row[-1] - row[0] >= FULL_FOR else None


def is_jump(bounced: int, accepted: int) -> bool:
    """Whether so many of the mails of a day coming back are more than dead addresses explain."""
    return bounced >= JUMP_AT_LEAST and bounced > JUMP_SHARE * accepted


def _is_of_the_address(reason: str) -> bool:
    """Whether a mail server's words, where a provider repeats them, are about the recipient."""
    reply = _REPLY.search(reason)
    if reply is None:
        return True
    code, text = int(reply[1]), reply[2]
    of_content = understand(Stage.CONTENT, code, text).blame is Blame.CONTENT
    if of_content and CONTENT.search(text):
        return False
    return understand(Stage.RECIPIENT, code, text).blame is Blame.RECIPIENT


def _row(bounce: Bounce, told: Iterable[Returned]) -> list[datetime]:
    """The bounces of one kind since the last arrival, by when they happened."""
    told = list(told)
    arrived_at = max((one.at for one in told if one.bounce is None), default=None)
    return sorted(
        one.at
        for one in told
        if one.bounce is bounce and (arrived_at is None or one.at > arrived_at)
    )
