"""Requests: people ask on their own page for their data, or to be erased.

The link to the page may have been passed on, so an email to the address itself asks for
confirmation. It goes through the same message ledger as every other email.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.gate import Allowed, Standing, may_send
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import Request, Sequence, StepKind
from nurture.domain.tracking.events import PageDeed
from nurture.services.catalogue import Catalogue, Published
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import enrolments, events, message_changes
from nurture.store.tables.enrolments import Enrolment
from nurture.store.tables.subscribers import Subscriber
from nurture.store.tables.suppressions import find_suppression

#: A request gets at most one email in this time, however often the button is pressed.
ANSWERED_AT_MOST_EVERY = timedelta(hours=6)

#: How long after its email a link to someone's data, or to their erasure, is valid.
LAPSES_AFTER = timedelta(days=7)

_ANSWERED = (EnrolmentStatus.ACTIVE, EnrolmentStatus.COMPLETED)


class Asked(StrEnum):
    """The result of a request: an email is sent, was sent recently, or cannot reach them."""

    MAILED = "mailed"
    ALREADY = "already"
    UNREACHABLE = "unreachable"


def ask(
    database: Database, catalogue: Catalogue, subscriber_id: int, request: Request, now: datetime
) -> Asked | None:
    """Send the email that answers a request; return `None` if the person is no longer known.

    People who have unsubscribed get an answer too. If the address bounces, or the practice has
    published no answer, they are unreachable and must write to the practice instead.
    """
    with database.writing() as connection:
        person = locks.hold_subscriber(connection, subscriber_id)
        if person is None:
            return None
        events.note_page_deed(connection, person.id, PageDeed.REQUEST, now)
        sequence = _answer_to(request, catalogue.current(connection))
        if sequence is None or not _is_reachable(connection, person, now):
            return Asked.UNREACHABLE
        return _enrol(connection, person, sequence, now)


def _answer_to(request: Request, published: Published) -> Sequence | None:
    return next((s for s in published.sequences.values() if s.answers is request), None)


def _is_reachable(connection: Connection, person: Subscriber, now: datetime) -> bool:
    standing = Standing(person.consents, find_suppression(connection, person.address_hash))
    return isinstance(may_send(StepKind.ANSWER, standing, now), Allowed)


def _enrol(connection: Connection, person: Subscriber, sequence: Sequence, now: datetime) -> Asked:
    if enrolments.add_enrolment(
        connection, subscriber_id=person.id, sequence=sequence.key, now=now
    ):
        return Asked.MAILED
    enrolment = enrolments.find_enrolment_in(connection, person.id, sequence.key)
    assert enrolment is not None  # It existed already.
    lately = now - enrolment.guide_wanted_at < ANSWERED_AT_MOST_EVERY
    if lately and enrolment.status in _ANSWERED:
        return Asked.ALREADY
    _answer_again(connection, enrolment, now)
    return Asked.MAILED


def _answer_again(connection: Connection, enrolment: Enrolment, now: datetime) -> None:
    message_changes.cancel_open_of(connection, [enrolment.id], Reason(Code.ASKED_AGAIN))
    enrolments.change_enrolment(
        connection,
        enrolment.id,
        now,
        status=EnrolmentStatus.ACTIVE,
        ended_at=None,
        anchor_at=now,
        guide_wanted=True,
        guide_wanted_at=now,
        occasion=enrolment.occasion + 1,
    )
