"""A test of the mail account: one email to the owner, and what the mail server answered."""

from dataclasses import dataclass
from datetime import datetime

from nurture.addresses import plain_mailbox
from nurture.domain.messages.status import MessageStatus
from nurture.mail.mailer import Envelope, Outcome
from nurture.rendering.account_trial import account_trial
from nurture.rendering.preview import trial_number
from nurture.services.account.limits import take_stock
from nurture.services.account.overview import cut
from nurture.services.account.words import what_it_means
from nurture.services.delivery.dispatch import Dispatch
from nurture.store.tables import offers


@dataclass(frozen=True, slots=True)
class TrialResult:
    """Whether the mail server took the test, and in a sentence what it answered."""

    accepted: bool
    sentence: str


def try_account(dispatch: Dispatch, to: str, now: datetime) -> TrialResult:
    """Send a test to the owner's own address through the account.

    It counts towards the account's limits, before it is offered, and is not sent if they allow no
    more. May raise `AddressError` if the address is undeliverable; trouble with the mail server is
    in the result.
    """
    to = plain_mailbox(to)
    reserved = _reserve(dispatch, now)
    if reserved is None:
        return TrialResult(False, "Your account can send no more at present, so nothing was sent.")
    outcome = _offer(dispatch, to, now)
    with dispatch.database.writing() as connection:
        offers.settle_offer(connection, reserved, outcome.counts, dispatch.clock())
    return TrialResult(outcome.status is MessageStatus.ACCEPTED, _said(outcome, to))


def _reserve(dispatch: Dispatch, now: datetime) -> int | None:
    """Count the test, if the limits allow one more email; return by what to settle it."""
    with dispatch.database.writing() as connection:
        stock = take_stock(connection, dispatch.fixed, now, claiming=True)
        return offers.reserve_offer(connection, now) if stock.may_send else None


def _offer(dispatch: Dispatch, to: str, now: datetime) -> Outcome:
    with dispatch.database.reading() as connection:
        practice = dispatch.catalogue.current(connection).practice
    number = trial_number(now)
    data = account_trial(practice, to, number, now)
    envelope = Envelope(number, practice.sender_address, to, dispatch.sign(data) + data)
    [outcome] = dispatch.mailer.offer(iter([envelope]))
    return outcome


def _said(outcome: Outcome, to: str) -> str:
    if outcome.status is MessageStatus.ACCEPTED:
        answer = f" It answered {outcome.code}." if outcome.code else ""
        return f"Your mail server has taken the test.{answer} Look in the inbox of {to}."
    meaning = what_it_means(outcome.refusal) if outcome.refusal else ""
    return f"The test was not taken. {meaning} {cut(outcome.reason)}".replace("  ", " ")
