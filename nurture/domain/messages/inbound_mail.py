"""What a mail in the owner's mailbox says about an email we sent, and when that is believed.

Anyone can send anything to a mailbox. A mail counts only beside a message that it proves to
know, about the address that the message was offered to, and not before that was done.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from nurture.domain.messages.status import MessageStatus
from nurture.domain.tracking.events import EventKind

#: Clocks of mail servers are wrong by less than this.
_CLOCKS_DIFFER_BY = timedelta(days=1)

#: Some mail server has been offered these, so that one may report on them and people reply.
_OFFERED = frozenset(
    {
        MessageStatus.SENDING,
        MessageStatus.ACCEPTED,
        MessageStatus.DELIVERED,
        MessageStatus.BOUNCED,
        MessageStatus.COMPLAINED,
        MessageStatus.IN_DOUBT,
    }
)


class InboundKind(StrEnum):
    """What a mail claims to be.

    A `report` is about the delivery of an email, `complaint` a feedback loop's (RFC 5965), and an
    `automatic` mail was written by a program for a person. `other` is none of ours.
    """

    REPORT = "report"
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"
    REPLY = "reply"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReportedRecipient:
    """What a report says about one recipient.

    `named` are the addresses that it may mean, empty if it names none, and `original` is the one
    before an alias or a forward, if the report knows it. A `delayed` email is still being tried.
    `permanent` and `reason` are as for `bounces.kind_of`.
    """

    named: tuple[str, ...] = ()
    original: str = ""
    delayed: bool = False
    permanent: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class InboundMail:
    """A mail reduced to what can be ours; nothing of its text is in it but a server's reply.

    `message_ids` are the left sides of Message-IDs that may be ours, the most telling first, and
    `answered` those that it replies to directly. `sent_to` are addresses that the mail itself may
    have been sent to. `identity` is the same however often and from wherever it is read.
    """

    kind: InboundKind
    identity: str
    message_ids: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    sent_to: tuple[str, ...] = ()
    sender: str = ""
    dated_at: datetime | None = None
    recipients: tuple[ReportedRecipient, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportedMessage:
    """Our message that a mail proves to know.

    `is_theirs` says whether an address is that of its person, `is_someone_elses` whether it is
    another subscriber's, and `is_ours` whether the practice sends from it. `is_direct` says that
    the mail answers this message itself.
    """

    status: MessageStatus
    offered_at: datetime
    is_theirs: Callable[[str], bool]
    is_ours: Callable[[str], bool]
    is_someone_elses: Callable[[str], bool]
    is_direct: bool = False


@dataclass(frozen=True, slots=True)
class BelievedNews:
    """What a mail has shown to have happened to a message."""

    kind: EventKind
    permanent: bool = False
    reason: str = ""


def believe(
    mail: InboundMail, sent: ReportedMessage, dated_at: datetime | None
) -> BelievedNews | None:
    """Return what a mail shows to have happened to a message it knows; `None` if nothing.

    `dated_at` is when the mail says it was written, by our clock.
    """
    if sent.status not in _OFFERED or _is_older(dated_at, sent):
        return None
    match mail.kind:
        case InboundKind.REPORT:
            return _believe_report(mail, sent)
        case InboundKind.COMPLAINT:
            return BelievedNews(EventKind.COMPLAINED) if _complains(mail, sent) else None
        case InboundKind.REPLY:
            return BelievedNews(EventKind.REPLIED) if _replies(mail, sent) else None
        case InboundKind.AUTOMATIC | InboundKind.OTHER:
            return None


def _is_older(dated_at: datetime | None, sent: ReportedMessage) -> bool:
    """Return whether a mail claims to be older than what it speaks of."""
    return dated_at is not None and dated_at < sent.offered_at - _CLOCKS_DIFFER_BY


def _believe_report(mail: InboundMail, sent: ReportedMessage) -> BelievedNews | None:
    told = [one for one in map(partial(_as_theirs, sent), mail.recipients) if one is not None]
    failed = [one for one in told if not one.delayed]
    if failed:
        worst = max(failed, key=lambda one: one.permanent)
        return BelievedNews(EventKind.BOUNCED, worst.permanent, worst.reason)
    return BelievedNews(EventKind.DEFERRED, reason=told[0].reason) if told else None


def _as_theirs(sent: ReportedMessage, told: ReportedRecipient) -> ReportedRecipient | None:
    """Return what a report says of their own address; `None` if it is about another.

    A report that names nobody is about the only recipient that the message had. An address that
    theirs was forwarded to may fail while theirs works: if a server says that it stands for theirs,
    the failure counts as temporary, and if nobody does, not at all.
    """
    named = [one for one in told.named if not sent.is_ours(one)]
    if not named or any(map(sent.is_theirs, named)):
        return told if named or not told.original or sent.is_theirs(told.original) else None
    if not told.original or not sent.is_theirs(told.original):
        return None
    alias = any(_are_of_one_domain(one, told.original) for one in named)
    return told if alias else replace(told, permanent=False)


def _are_of_one_domain(one: str, other: str) -> bool:
    ours, theirs = (text.rpartition("@")[2].casefold() for text in (one, other))
    return bool(ours) and (
        ours == theirs or ours.endswith(f".{theirs}") or theirs.endswith(f".{ours}")
    )


def _complains(mail: InboundMail, sent: ReportedMessage) -> bool:
    return all(_as_theirs(sent, one) is not None for one in mail.recipients)


def _replies(mail: InboundMail, sent: ReportedMessage) -> bool:
    """Return whether a reply is theirs: to the email itself, or by them later in the talk.

    Anyone may reply from another address than the one that they signed up with, but not from
    another subscriber's. A later mail of the same talk names our email too, and is theirs only if
    it comes from their own address.
    """
    if sent.is_theirs(mail.sender):
        return True
    if sent.is_ours(mail.sender) or sent.is_someone_elses(mail.sender):
        return False
    return sent.is_direct
