"""What follows from a mail provider's report on an email."""

import pytest

from nurture.domain.messages.bounces import Bounce
from nurture.domain.messages.consequences import (
    Consequence,
    move_after,
    proves_it_sent,
    suppresses_stranger,
    what_follows,
)
from nurture.domain.messages.status import MessageStatus
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind

DELIVERED, BOUNCED = EventKind.DELIVERED, EventKind.BOUNCED
COMPLAINED, UNSUBSCRIBED = EventKind.COMPLAINED, EventKind.UNSUBSCRIBED
KINDS = [None, *EventKind]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("permanent", [True, False])
def test_only_arrivals_permanent_bounces_and_complaints_change_a_message(
    kind: EventKind | None, permanent: bool
) -> None:
    move = move_after(kind, permanent)
    moves = kind in (DELIVERED, COMPLAINED) or (kind is BOUNCED and permanent)
    assert (move is not None) is moves
    assert move is None or move.to.value == kind


def test_reports_in_any_order_lead_to_the_same_state() -> None:
    order = [
        MessageStatus.SENDING,
        MessageStatus.ACCEPTED,
        MessageStatus.IN_DOUBT,
        MessageStatus.DELIVERED,
        MessageStatus.BOUNCED,
        MessageStatus.COMPLAINED,
    ]
    for kind in (DELIVERED, BOUNCED, COMPLAINED):
        move = move_after(kind, permanent=True)
        assert move is not None
        assert {order.index(one) for one in move.among} == set(range(order.index(move.to)))


@pytest.mark.parametrize(
    ("kind", "bounce", "follows"),
    [
        (DELIVERED, None, Consequence.TRUST_ADDRESS),
        (BOUNCED, Bounce.HARD, Consequence.WEIGH_BOUNCE),
        (BOUNCED, Bounce.SOFT, Consequence.WEIGH_BOUNCE),
        (BOUNCED, Bounce.HELD, Consequence.ASK_OWNER),
        (BOUNCED, Bounce.FULL, Consequence.NOTHING),
        (BOUNCED, Bounce.DISMISSED, Consequence.NOTHING),
        (COMPLAINED, None, Consequence.SUPPRESS),
        (UNSUBSCRIBED, None, Consequence.UNSUBSCRIBE),
    ],
)
def test_every_report_has_one_consequence(
    kind: EventKind, bounce: Bounce | None, follows: Consequence
) -> None:
    assert what_follows(kind, bounce, of_message=True) is follows


@pytest.mark.parametrize("kind", KINDS)
def test_any_other_report_changes_nothing_for_a_subscriber(kind: EventKind | None) -> None:
    said = what_follows(kind, None, of_message=False) is not Consequence.NOTHING
    assert said is (kind in (COMPLAINED, UNSUBSCRIBED))


def test_the_arrival_of_an_unknown_message_says_nothing_about_an_address() -> None:
    assert what_follows(DELIVERED, None, of_message=False) is Consequence.NOTHING


@pytest.mark.parametrize(
    ("kind", "bounce", "reason"),
    [
        (BOUNCED, Bounce.HARD, SuppressionReason.BOUNCED),
        (BOUNCED, Bounce.SOFT, None),
        (BOUNCED, Bounce.FULL, None),
        (BOUNCED, Bounce.HELD, None),
        (COMPLAINED, None, SuppressionReason.COMPLAINED),
        (UNSUBSCRIBED, None, SuppressionReason.UNSUBSCRIBED),
        (DELIVERED, None, None),
        (None, None, None),
    ],
)
def test_an_unknown_address_is_suppressed_for_what_is_permanent(
    kind: EventKind | None, bounce: Bounce | None, reason: SuppressionReason | None
) -> None:
    assert suppresses_stranger(kind, bounce) is reason


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_happens_after_acceptance_proves_that_an_email_was_sent(
    kind: EventKind | None,
) -> None:
    assert proves_it_sent(kind) is (kind in (DELIVERED, EventKind.OPENED, EventKind.CLICKED))
