"""The command line's words: what became of an email, and what someone did.

Sequences and emails are named by their keys there (`domain.reasons.Keys`).
"""

from collections.abc import Mapping

from nurture.domain.messages.status import MessageStatus
from nurture.domain.tracking.events import EventKind

#: What someone did, in words that follow “they”.
DEEDS: Mapping[EventKind, str] = {
    EventKind.OPENED: "opened an email",
    EventKind.CLICKED: "followed a link",
    EventKind.DOWNLOADED: "collected a guide",
    EventKind.BOOKED: "booked a session",
    EventKind.STAYED: "said that they want to stay",
}

#: What became of an email, in words that follow its name.
BECAME: Mapping[MessageStatus, str] = {
    MessageStatus.CLAIMED: "is about to be sent",
    MessageStatus.SENDING: "is being offered to the mail server just now",
    MessageStatus.ACCEPTED: "was sent on {at}",
    MessageStatus.DELIVERED: "was sent on {at} and delivered",
    MessageStatus.DEFERRED: "was put off on {at}",
    MessageStatus.FAILED: "was refused for good on {at}",
    MessageStatus.BOUNCED: "was sent on {at} and came back",
    MessageStatus.COMPLAINED: "was sent on {at} and reported as spam",
    MessageStatus.IN_DOUBT: "may or may not have been sent on {at}",
    MessageStatus.CANCELLED: "was taken back before it was sent",
}
