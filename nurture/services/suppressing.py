"""Suppressing an address: ending what is under way and taking back what is claimed."""

from datetime import datetime

from nurture.domain.enrolment import EnrolmentStatus
from nurture.domain.suppression import SuppressionReason
from nurture.store import enrolments, messages, suppressions
from nurture.store.session import Connection


def suppress_address(
    connection: Connection,
    subscriber_id: int,
    address_hash: str,
    why: str,
    now: datetime,
    reason: SuppressionReason = SuppressionReason.BOUNCED,
) -> None:
    """Never write to an address again: end what is under way and take back what is claimed."""
    suppressions.suppress(connection, address_hash, reason, now, why)
    enrolments.end_enrolments_of(connection, subscriber_id, EnrolmentStatus.SUPPRESSED, now)
    messages.cancel_open(connection, subscriber_id, "the address is suppressed")
