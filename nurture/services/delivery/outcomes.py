"""What the mail server's replies mean for a message and for the account."""

from nurture.domain.messages.retries import Answer, Offered
from nurture.domain.messages.status import MessageStatus
from nurture.mail.mailer import Outcome
from nurture.services.delivery.claim import Claimed
from nurture.store.tables.account import FinalRefusal


def answer_of(outcome: Outcome) -> Answer:
    """Return the reply within an outcome, in the form the domain decides on."""
    return Answer(outcome.status, outcome.code, outcome.refusal)


def offered_of(one: Claimed) -> Offered:
    """Return how a message has been offered so far, in the form the domain decides on."""
    return Offered(one.kind, one.attempt, one.doubts, one.due_at)


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
