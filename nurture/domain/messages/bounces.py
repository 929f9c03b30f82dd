"""What bounces mean: dead addresses, full mailboxes and repeated soft bounces."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.messages.refusal import Blame, Stage, understand
from nurture.domain.messages.refusal_words import CONTENT, FULL


class Bounce(StrEnum):
    """The kind of a bounce.

    `hard`: the address is no good. `soft`: a temporary failure. `full`: the mailbox is full.
    `held`: hard, but part of a sudden jump in bounces that the owner has not reviewed yet.
    `dismissed`: the owner reviewed it, and it was a mail server's mistake.
    """

    HARD = "hard"
    SOFT = "soft"
    FULL = "full"
    HELD = "held"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Returned:
    """A report about mail to one address: a bounce or, if that is `None`, a delivery."""

    at: datetime
    bounce: Bounce | None


#: This many soft bounces in a row, over this long, count as a permanent bounce.
SOFT_IN_A_ROW, SOFT_OVER = 5, timedelta(days=14)

#: A mailbox that has been full for this long is shown to the owner.
FULL_FOR = timedelta(days=60)

_ENHANCED = re.compile(r"(?<![\d.])[45]\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
#: Providers' own words, and those of mail servers that give no enhanced code.
_FULL = re.compile(
    r"mailbox\s?full|\b(is|was|too) full\b.{0,40}\b(mail|in)box|exceeded storage allocation"
    r"|\bquota exceeded\b|\bout of (storage|space|quota)\b",
    re.IGNORECASE,
)
_REPLY = re.compile(r"\b([45]\d\d)[ -]+(\S.*)", re.DOTALL)


def says_full(reason: str) -> bool:
    """Return whether a mail server's reply says that the mailbox is full; codes outweigh words."""
    told = _ENHANCED.findall(reason)
    if ("2", "2") in told:
        return True
    if any(subject in ("1", "7") for subject, _ in told):
        return False
    return bool(FULL.search(reason) or _FULL.search(reason))


def kind_of(permanent: bool, reason: str) -> Bounce:
    """Return the kind of a bounce, from the provider's view and the mail server's reply.

    A full mailbox counts as full even if the provider has given up for good, and a refusal of the
    sender or the content says nothing about the address.
    """
    if says_full(reason):
        return Bounce.FULL
    return Bounce.HARD if permanent and _is_of_the_address(reason) else Bounce.SOFT


def tired_since(told: Iterable[Returned], after: datetime | None = None) -> datetime | None:
    """Return when a run of soft bounces amounted to a permanent one, or `None`.

    Only what happened later than `after` counts. A delivery ends the run, even if it is the last
    event; other bounces neither end it nor count.
    """
    row = _row(Bounce.SOFT, (one for one in told if after is None or one.at > after))
    enough = row[SOFT_IN_A_ROW - 1 :]
    return next((at for at in enough if at - row[0] >= SOFT_OVER), None)


def full_since(told: Iterable[Returned]) -> datetime | None:
    """Return since when a mailbox has been full for too long, or `None`; a delivery resets it."""
    row = _row(Bounce.FULL, told)
    return row[0] if row and row[-1] - row[0] >= FULL_FOR else None


def _is_of_the_address(reason: str) -> bool:
    """Return whether a mail server's reply, if the provider quotes it, is about the recipient."""
    reply = _REPLY.search(reason)
    if reply is None:
        return True
    code, text = int(reply[1]), reply[2]
    of_content = understand(Stage.CONTENT, code, text).blame is Blame.CONTENT
    if of_content and CONTENT.search(text):
        return False
    return understand(Stage.RECIPIENT, code, text).blame is Blame.RECIPIENT


def _row(bounce: Bounce, told: Iterable[Returned]) -> list[datetime]:
    """Return when the bounces of one kind since the last delivery happened, in order."""
    told = list(told)
    arrived_at = max((one.at for one in told if one.bounce is None), default=None)
    return sorted(
        one.at
        for one in told
        if one.bounce is bounce and (arrived_at is None or one.at > arrived_at)
    )
