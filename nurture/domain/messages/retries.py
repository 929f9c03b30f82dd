"""Whether and when a message is offered again: after the mail server answered, or its worker died.

The times between two offers are decided here as well, so that services only record them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.messages.refusal import Blame, Refusal
from nurture.domain.messages.status import SETTLED, MessageStatus
from nurture.domain.sequences.sequence import ANSWERS, StepKind

#: How often a message that was requested, such as a guide, is offered in all while in doubt; any
#: other is offered once.
OFFERS_IN_DOUBT = 2

#: How long to leave a message alone after the mail server deferred it, by attempt.
_BACKOFF = tuple(timedelta(minutes=m) for m in (5, 10, 20, 40, 80, 160, 320))

#: The same for a permanent refusal that may not be final, such as a full mailbox or unclear words.
_LONG_BACKOFF = tuple(timedelta(hours=h) for h in (1, 4, 12, 24))

#: A recipient's server that defers a message for longer than this has in effect refused it.
_GIVE_UP_AFTER = timedelta(days=5)

#: How long to wait before retrying a mail server that could not be reached at all.
AWAY = timedelta(minutes=1)

#: How long to wait before a guide in doubt is offered once more.
_BEFORE_DOUBT_IS_RISKED = _BACKOFF[0]


@dataclass(frozen=True, slots=True)
class Offered:
    """A message that was offered to the mail server; `attempt` counts this offer.

    `doubts` is how often it was in doubt before this offer.
    """

    kind: StepKind
    attempt: int
    doubts: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What the mail server said about one message, if anything; see `mail.mailer.Outcome`."""

    status: MessageStatus
    code: int | None = None
    refusal: Refusal | None = None

    @property
    def is_about_the_account(self) -> bool:
        """Whether no one can be sent anything now."""
        return self.refusal is not None and self.refusal.blame is Blame.ACCOUNT

    @property
    def is_silence(self) -> bool:
        """Whether there was no answer at all, so that other messages would get none either."""
        silent = self.status is MessageStatus.DEFERRED and self.code is None
        return silent and not self.is_about_the_account

    @property
    def is_personal(self) -> bool:
        """Whether the server deferred this recipient or this email, rather than everyone."""
        blame = self.refusal.blame if self.refusal else None
        return self.status is MessageStatus.DEFERRED and blame in (Blame.RECIPIENT, Blame.CONTENT)

    @property
    def backoff(self) -> tuple[timedelta, ...]:
        """How long to leave the message alone after each attempt."""
        permanent = self.refusal is not None and self.refusal.permanent
        return _LONG_BACKOFF if permanent else _BACKOFF


@dataclass(frozen=True, slots=True)
class Fate:
    """The state of a message from now on, and when it is offered again.

    Without `again_at` it is not offered again and its enrolment continues, unless
    `address_is_dead`: then the address is suppressed, which ends everything sent to it.
    """

    status: MessageStatus
    again_at: datetime | None = None
    address_is_dead: bool = False


def fate_after(offered: Offered, answer: Answer, now: datetime) -> Fate:
    """Decide what becomes of a message that the mail server did not accept.

    If the refusal is about the account, the message waits for the account and keeps its place in
    the queue.
    A deferred message is offered again after a while, and given up once a server has deferred this
    person or this email for days. A message in doubt is offered once more only if it was requested.
    """
    status = MessageStatus.FAILED if _has_waited_in_vain(offered, answer, now) else answer.status
    if answer.refusal is not None and answer.refusal.dead:
        return Fate(status, address_is_dead=True)
    if answer.is_about_the_account:
        return Fate(status, min(offered.due_at, now))
    if status is MessageStatus.DEFERRED:
        return Fate(status, now + _pause_after(offered, answer))
    if status is MessageStatus.IN_DOUBT and _may_risk(offered.kind, offered.doubts + 1):
        return Fate(status, now + _BEFORE_DOUBT_IS_RISKED)
    return Fate(status)


def fate_without_worker(status: MessageStatus, noted: MessageStatus | None) -> MessageStatus:
    """Decide what becomes of a message whose worker has gone; `noted` is what its logbook says.

    A message that was only claimed was never offered. For any other, only the logbook can say
    whether the mail server has it.
    """
    if status is MessageStatus.CLAIMED:
        return MessageStatus.DEFERRED
    return noted or MessageStatus.IN_DOUBT


def may_be_offered_again(status: MessageStatus, kind: StepKind, doubts: int) -> bool:
    """Return whether a message may be claimed again.

    Only a message in doubt could be sent twice. That risk is taken once, for an email that was
    requested, because people would rather get it twice than not at all.
    """
    if status is MessageStatus.IN_DOUBT:
        return _may_risk(kind, doubts)
    return status in (MessageStatus.DEFERRED, MessageStatus.CANCELLED)


def is_behind(status: MessageStatus) -> bool:
    """Return whether a message in that state ends its step, so that the next one may follow."""
    return status in SETTLED or status is MessageStatus.IN_DOUBT


def _may_risk(kind: StepKind, doubts: int) -> bool:
    return kind in ANSWERS and doubts < OFFERS_IN_DOUBT


def _has_waited_in_vain(offered: Offered, answer: Answer, now: datetime) -> bool:
    often = offered.attempt > len(answer.backoff)
    return answer.is_personal and often and now - offered.due_at > _GIVE_UP_AFTER


def _pause_after(offered: Offered, answer: Answer) -> timedelta:
    if answer.is_silence:
        return AWAY
    return answer.backoff[min(offered.attempt, len(answer.backoff)) - 1]
