"""Why an address is never written to."""

from enum import StrEnum


class SuppressionReason(StrEnum):
    """Why we never write to an address; only the person can lift an `unsubscribed`."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
