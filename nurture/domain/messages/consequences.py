"""What follows from the reports of mail providers, for a message and for its address."""

from enum import StrEnum
from typing import NamedTuple

from nurture.domain.messages.bounces import Bounce
from nurture.domain.messages.status import MessageStatus
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind

_BEFORE_DELIVERY = (MessageStatus.SENDING, MessageStatus.ACCEPTED, MessageStatus.IN_DOUBT)
_BEFORE_BOUNCE = (*_BEFORE_DELIVERY, MessageStatus.DELIVERED)
_BEFORE_COMPLAINT = (*_BEFORE_BOUNCE, MessageStatus.BOUNCED)


class Move(NamedTuple):
    """A change of state: from any of the states `among` to the state `to`."""

    among: tuple[MessageStatus, ...]
    to: MessageStatus


_MOVES = {
    EventKind.DELIVERED: Move(_BEFORE_DELIVERY, MessageStatus.DELIVERED),
    EventKind.BOUNCED: Move(_BEFORE_BOUNCE, MessageStatus.BOUNCED),
    EventKind.COMPLAINED: Move(_BEFORE_COMPLAINT, MessageStatus.COMPLAINED),
}

#: What is reported only about an email that the mail server has accepted.
_PROVE_IT_SENT = (EventKind.DELIVERED, EventKind.OPENED, EventKind.CLICKED)

#: Why an otherwise unknown address is suppressed, by what was reported about it.
_OF_STRANGERS = {
    EventKind.BOUNCED: SuppressionReason.BOUNCED,
    EventKind.COMPLAINED: SuppressionReason.COMPLAINED,
    EventKind.UNSUBSCRIBED: SuppressionReason.UNSUBSCRIBED,
}


class Consequence(StrEnum):
    """What follows for a subscriber from a provider's report on an email to them."""

    NOTHING = "nothing"
    #: A bounce may be lifted, because an email arrived.
    TRUST_ADDRESS = "trust_address"
    #: The address may be suppressed, depending on what else is known about it.
    WEIGH_BOUNCE = "weigh_bounce"
    #: The owner is asked about a jump in bounces.
    ASK_OWNER = "ask_owner"
    #: They reported an email as junk, so they must get no more.
    SUPPRESS = "suppress"
    #: They unsubscribed elsewhere.
    UNSUBSCRIBE = "unsubscribe"
    #: They replied, which may pause or end what the message belongs to.
    FOLLOW_REPLY = "follow_reply"


def move_after(kind: EventKind | None, permanent: bool) -> Move | None:
    """Return the change of state that a provider's report brings, or `None` if it brings none.

    A temporary bounce brings none, because the provider tries again.
    """
    if kind is None or (kind is EventKind.BOUNCED and not permanent):
        return None
    return _MOVES.get(kind)


def what_follows(kind: EventKind | None, bounce: Bounce | None, *, of_message: bool) -> Consequence:
    """Decide what follows for a subscriber; `of_message` says that the message is known.

    A full mailbox changes nothing, nor does a bounce that the owner has dismissed.
    """
    match kind:
        case EventKind.DELIVERED if of_message:
            return Consequence.TRUST_ADDRESS
        case EventKind.BOUNCED if bounce is Bounce.HELD:
            return Consequence.ASK_OWNER
        case EventKind.BOUNCED if bounce in (Bounce.HARD, Bounce.SOFT):
            return Consequence.WEIGH_BOUNCE
        case EventKind.COMPLAINED:
            return Consequence.SUPPRESS
        case EventKind.UNSUBSCRIBED:
            return Consequence.UNSUBSCRIBE
        case EventKind.REPLIED if of_message:
            return Consequence.FOLLOW_REPLY
    return Consequence.NOTHING


def suppresses_stranger(kind: EventKind | None, bounce: Bounce | None) -> SuppressionReason | None:
    """Return why an otherwise unknown address is suppressed, or `None` if it is not.

    A bounce counts only if it is permanent.
    """
    if kind is None or bounce not in (None, Bounce.HARD):
        return None
    return _OF_STRANGERS.get(kind)


def proves_it_sent(kind: EventKind | None) -> bool:
    """Return whether a provider reports this only of an email that the mail server accepted."""
    return kind in _PROVE_IT_SENT
