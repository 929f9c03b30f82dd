"""Suppression: ending the emails to an address that must not be emailed, and resuming them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import Code, Reason
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import StepKind
from nurture.domain.subscribers.suppression import SuppressionReason, ending_by, goes_on
from nurture.domain.tracking.events import EventKind
from nurture.services.catalogue import Published
from nurture.store.database import Connection
from nurture.store.tables import enrolments, events, message_changes, messages, suppressions
from nurture.store.tables.enrolments import Enrolment
from nurture.store.tables.subscribers import Subscriber

_CAME_BACK = (MessageStatus.FAILED, MessageStatus.BOUNCED)


def suppress_address(
    connection: Connection,
    subscriber_id: int,
    address_hash: str,
    why: str,
    now: datetime,
    reason: SuppressionReason = SuppressionReason.BOUNCED,
    at: datetime | None = None,
) -> bool:
    """Never email an address again because of what happened at the time `at`, or just now.

    Active enrolments end and claimed messages are taken back. Return whether the suppression is
    in force: it is not if it was lifted after `at`. What happens now is later than any lifting,
    even if a batch began before it.
    """
    if at is None:
        at = max(now, suppressions.find_lifted_at(connection, address_hash, reason) or now)
    if not suppressions.suppress(connection, address_hash, reason, at, why):
        return False
    end_what_is_under_way(connection, subscriber_id, address_hash, now)
    message_changes.cancel_open(connection, subscriber_id, Reason(Code.ADDRESS_SUPPRESSED))
    return True


def end_what_is_under_way(
    connection: Connection, subscriber_id: int, address_hash: str, now: datetime
) -> None:
    """End a suppressed person's enrolments for the strongest reason in force.

    Enrolments that another reason ended before get this reason too, so that the order in which
    reasons are reported makes no difference.
    """
    reason = suppressions.find_suppression(connection, address_hash)
    if reason:
        end_by(connection, subscriber_id, reason, now)


def end_by(
    connection: Connection, subscriber_id: int, reason: SuppressionReason, now: datetime
) -> None:
    """End a person's enrolments for that reason, the strongest, as `ending_once` says."""
    ending = ending_by(reason)
    status, because = ending.status, ending.because
    enrolments.end_enrolments_of(connection, subscriber_id, status, now, because)
    enrolments.reword_ends(connection, subscriber_id, ending)


def lift_bounce(
    connection: Connection,
    published: Published,
    person: Subscriber,
    at: datetime | None,
    now: datetime,
    note: Mapping[str, Any],
    look_at: datetime | None = None,
) -> bool:
    """Lift a locked person's bounce suppression, as far as the address had bounced by then.

    Without a time, the bounce is removed as if it had never happened. Other reasons stay. If there
    are none, what the bounce ended carries on: it is looked at now, or at `look_at`. `note` says
    who lifted it and why. Return whether there was a bounce to lift.
    """
    bounced = SuppressionReason.BOUNCED
    if not suppressions.lift_suppression(connection, person.address_hash, bounced, at):
        return False
    note_lifted(connection, person.id, now, note)
    if not reword_what_ended(connection, person):
        go_on(connection, published, person.id, now, look_at or now)
    return True


def reword_what_ended(connection: Connection, person: Subscriber) -> bool:
    """Give what has ended the strongest reason left; return whether there is one."""
    left = suppressions.find_suppression(connection, person.address_hash)
    if left:
        enrolments.reword_ends(connection, person.id, ending_by(left))
    return left is not None


def go_on(
    connection: Connection,
    published: Published,
    subscriber_id: int,
    now: datetime,
    look_at: datetime,
) -> None:
    """Resume what a suppression ended; a guide that bounced is offered once more.

    Active enrolments are looked at only if their guide bounced. Answers to requests and questions
    after a silence are left alone: they will be requested, or asked, again.
    """
    ledger = messages.ledger_of(connection, subscriber_id)
    theirs = enrolments.enrolments_of(connection, subscriber_id)
    for one in (each for each in theirs if not published.is_over(each.sequence)):
        guides = [m for m in ledger if m.enrolment_id == one.id and m.kind is StepKind.GUIDE]
        again = _guide_again(one, now) if _never_arrived(one, guides) else {}
        ended = goes_on(one.ending, published.find_sequence(one.sequence))
        if ended or (again and one.status is EnrolmentStatus.ACTIVE):
            active = {"status": EnrolmentStatus.ACTIVE, "ended_at": None, "ended_because": None}
            enrolments.change_enrolment(connection, one.id, look_at, **active, **again)


def note_lifted(
    connection: Connection, subscriber_id: int | None, at: datetime, note: Mapping[str, Any]
) -> None:
    """Record who had an address emailed again, when and why."""
    source, whose = note["source"], subscriber_id or note.get("address_hash", "")
    lifted = events.NewEvent(
        kind=EventKind.LIFTED,
        happened_at=at,
        source=source,
        source_key=f"lifted:{source}:{whose}:{at.isoformat()}",
        subscriber_id=subscriber_id,
        raw={"reason": note["reason"]},
    )
    events.add_events(connection, [lifted])


def _never_arrived(enrolment: Enrolment, guides: list[messages.Message]) -> bool:
    if enrolment.progress.collected_at is not None:
        return False
    newest = max(guides, key=lambda message: message.occasion, default=None)
    return newest is not None and newest.status in _CAME_BACK


def _guide_again(enrolment: Enrolment, now: datetime) -> dict[str, Any]:
    """Return the changes that request the guide once more and restart the time to collect it."""
    return {
        "guide_wanted": True,
        "guide_wanted_at": now,
        "occasion": enrolment.occasion + 1,
        "enrolled_at": now,
        "anchor_at": now,
    }
