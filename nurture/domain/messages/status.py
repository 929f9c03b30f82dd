"""The possible states of one email to one subscriber."""

from enum import StrEnum


class MessageStatus(StrEnum):
    """The states of a message, in their usual order.

    `claimed` rows have not been offered to a mail server; `sending` rows may have been. That
    difference decides what happens after a crash: a claimed row is simply claimed again, and a
    sending one becomes `in_doubt`.
    """

    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"


#: Why a message that no mail server has seen counts as accepted: it was written to a file.
KEPT = "no mail server is set, so it was written to the outbox"

#: The mail server accepted responsibility, whatever it told us later.
TAKEN = frozenset(
    {
        MessageStatus.ACCEPTED,
        MessageStatus.DELIVERED,
        MessageStatus.BOUNCED,
        MessageStatus.COMPLAINED,
    }
)

#: Nothing more happens to these unless someone outside says so.
SETTLED = TAKEN | {MessageStatus.FAILED, MessageStatus.CANCELLED}
