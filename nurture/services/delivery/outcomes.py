"""Decide what the mail server's reply means for a message: its fate, and how long to wait."""

from datetime import datetime, timedelta

from nurture.domain.messages.refusal import Blame
from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.sequence import ANSWERS
from nurture.mail.mailer import Outcome
from nurture.services.delivery.claim import GUIDE_OFFERS, Claimed
from nurture.store.tables.account import FinalRefusal

#: How long to leave a message alone after the mail server put it off, by attempt.
_BACKOFF = tuple(timedelta(minutes=m) for m in (5, 10, 20, 40, 80, 160, 320))

#: The same where it was refused for good, but perhaps is not: a full mailbox, unclear words.
_LONG_BACKOFF = tuple(timedelta(hours=h) for h in (1, 4, 12, 24))

#: A recipient's server that puts us off for longer than this has in effect refused.
_GIVE_UP_AFTER = timedelta(days=5)

#: Before the mail server is tried again that could not be reached at all.
AWAY = timedelta(minutes=1)

#: Before a guide that is in doubt is offered once more.
FIRST_PAUSE = _BACKOFF[0]


def fate_of(one: Claimed, outcome: Outcome, now: datetime) -> MessageStatus:
    """Return the message's fate; a server that defers a person or email for days has refused it."""
    often = one.attempt > len(_backoff(outcome))
    waited = now - one.due_at
    if _is_personal(outcome) and often and waited > _GIVE_UP_AFTER:
        return MessageStatus.FAILED
    return outcome.status


def tells_of_no_server(outcome: Outcome) -> bool:
    """Return whether there was no reply at all, so that other messages would get none either."""
    silent = outcome.status is MessageStatus.DEFERRED and outcome.code is None
    return silent and not outcome.about_the_account


def _is_personal(outcome: Outcome) -> bool:
    """Return whether the server deferred this recipient or this email, rather than everyone."""
    blame = outcome.refusal.blame if outcome.refusal else None
    put_off = outcome.status is MessageStatus.DEFERRED
    return put_off and blame in (Blame.RECIPIENT, Blame.CONTENT)


def counts_towards_a_run(outcome: Outcome) -> bool:
    """Return whether this refusal, if repeated for others, would point to the account."""
    return (
        bool(outcome.mark)
        and outcome.refusal is not None
        and (outcome.refusal.permanent and not outcome.about_the_account)
    )


def as_refused(one: Claimed, outcome: Outcome) -> FinalRefusal:
    """Return a refusal as it is stored for comparison with the next."""
    return FinalRefusal(
        outcome.message,
        one.due.id,
        one.due.subscriber_id,
        outcome.mark,
        dead=outcome.address_refused,
        fails=outcome.status is MessageStatus.FAILED,
        reason=outcome.reason,
        code=outcome.code,
    )


def _backoff(outcome: Outcome) -> tuple[timedelta, ...]:
    permanent = outcome.refusal is not None and outcome.refusal.permanent
    return _LONG_BACKOFF if permanent else _BACKOFF


def pause_before_next(one: Claimed, outcome: Outcome) -> timedelta:
    """Return how long to wait before offering a deferred message again."""
    if tells_of_no_server(outcome):
        return AWAY
    backoff = _backoff(outcome)
    return backoff[min(one.attempt, len(backoff)) - 1]


def may_be_offered_once_more(one: Claimed) -> bool:
    """Return whether an email in doubt is re-offered: only requested emails are, a few times."""
    return one.kind in ANSWERS and one.doubts + 1 < GUIDE_OFFERS
