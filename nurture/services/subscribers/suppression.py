"""Suppression: ending the emails to an address that must not be emailed, and resuming them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import StepKind
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind
from nurture.services.catalogue import Published
from nurture.store.database import Connection
from nurture.store.tables import enrolments, events, messages, suppressions
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
    messages.cancel_open(connection, subscriber_id, "the address is suppressed")
    return True


def end_what_is_under_way(
    connection: Connection, subscriber_id: int, address_hash: str, now: datetime
) -> None:
    """End a suppressed person's enrolments for the strongest reason in force.

    Enrolments that another reason ended before get this reason too, so that the order in which
    reasons are reported makes no difference.
    """
    ending = _ending(suppressions.find_suppression(connection, address_hash))
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
    if suppressions.find_suppression(connection, person.address_hash):
        reword_what_ended(connection, person)
    else:
        go_on(connection, published, person.id, now, look_at or now)
    return True


def reword_what_ended(connection: Connection, person: Subscriber) -> None:
    """Give ended enrolments the strongest remaining reason."""
    left = suppressions.find_suppression(connection, person.address_hash)
    enrolments.reword_ends(connection, person.id, _ending(left))


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
    for one in enrolments.enrolments_of(connection, subscriber_id):
        guides = [m for m in ledger if m.enrolment_id == one.id and m.kind is StepKind.GUIDE]
        again = _guide_again(one, now) if _never_arrived(one, guides) else {}
        ended = one.status is EnrolmentStatus.SUPPRESSED and _goes_on(published, one)
        if ended or (again and one.status is EnrolmentStatus.ACTIVE):
            active = {"status": EnrolmentStatus.ACTIVE, "ended_at": None, "ended_because": None}
            enrolments.change_enrolment(connection, one.id, look_at, **active, **again)


def note_lifted(
    connection: Connection, subscriber_id: int | None, at: datetime, note: Mapping[str, Any]
) -> None:
    """Record who had an address emailed again, when and why."""
    source, whose = note["source"], subscriber_id or note.get("address_hash", "")
    row = {
        "kind": EventKind.LIFTED,
        "subscriber_id": subscriber_id,
        "happened_at": at,
        "source": source,
        "source_key": f"lifted:{source}:{whose}:{at.isoformat()}",
        "raw": {"reason": note["reason"]},
    }
    events.add_events(connection, [row])


def _ending(reason: SuppressionReason | None) -> Ending:
    because = EndReason(reason) if reason else None
    if reason is SuppressionReason.UNSUBSCRIBED:
        return Ending(EnrolmentStatus.UNSUBSCRIBED, because)
    return Ending(EnrolmentStatus.SUPPRESSED, because)


def _goes_on(published: Published, enrolment: Enrolment) -> bool:
    sequence = published.sequences.get(enrolment.sequence)
    return sequence is None or (sequence.answers is None and sequence.quiet is None)


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
