"""Acting on behalf: what the owner does for someone who asked by telephone or in person.

Each action is stored as an event with the source `studio`, so that the person's story says who
did it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.domain.errors import NurtureError
from nurture.domain.reasons import Code, Names, Reason, in_words, why_ended, why_suppressed
from nurture.domain.scheduling.gate import PausedBy
from nurture.domain.sequences import putting_back
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.subscribers.bookings import ending_of
from nurture.domain.subscribers.consent import STUDIO, Evidence, Purpose, scope_of
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Verdict
from nurture.services.catalogue import Catalogue, Published
from nurture.services.subscribers.preferences import stop
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import enrolments, events, message_changes, subscribers
from nurture.store.tables.enrolments import Enrolment
from nurture.store.tables.subscribers import Subscriber
from nurture.store.tables.suppressions import find_suppression

NO_CONSENT = Ending(EnrolmentStatus.UNSUBSCRIBED, EndReason.NO_CONSENT)


class NobodyThereError(NurtureError):
    """That person has been erased, or never existed."""


class NotAheadError(NurtureError):
    """A pause can only end in the future."""


class NotPutBackError(NurtureError):
    """Someone cannot go back into a sequence; the message says why."""


@dataclass(frozen=True, slots=True)
class RestorableEnrolment:
    """A sequence that someone was removed from; `why_not` is empty if they can return."""

    sequence: str
    title: str
    why_not: str


def pause(database: Database, subscriber_id: int, until: datetime, now: datetime) -> None:
    """Pause sequence emails to someone until then; what they ask for still comes.

    May raise `NotAheadError` or `NobodyThereError`.
    """
    if until <= now:
        raise NotAheadError("A pause has to end later than now.", remedy="Choose a later day.")
    with database.writing() as connection:
        person = _held(connection, subscriber_id)
        by_owner = PausedBy.OWNER
        subscribers.change_subscriber(connection, person.id, paused_until=until, paused_by=by_owner)
        message_changes.cancel_open(connection, person.id, Reason(Code.THEY_ARE_PAUSED))
        enrolments.look_at_once(connection, enrolments.of_subscriber(person.id), now)
        _note(connection, person, EventKind.PAUSED, now, {"until": until.isoformat()})


def resume(database: Database, subscriber_id: int, now: datetime) -> None:
    """Resume emails to someone who is paused; may raise `NobodyThereError`."""
    with database.writing() as connection:
        person = _held(connection, subscriber_id)
        if person.paused_until is None or person.paused_until <= now:
            return
        subscribers.change_subscriber(connection, person.id, paused_until=None)
        enrolments.look_at_once(connection, enrolments.of_subscriber(person.id), now)
        _note(connection, person, EventKind.RESUMED, now, {})


def stop_everything(
    database: Database, catalogue: Catalogue, subscriber_id: int, evidence: Evidence, now: datetime
) -> None:
    """Unsubscribe someone on their behalf; safe to repeat, and only they can undo it.

    May raise `NobodyThereError`.
    """
    with database.writing() as connection:
        person = _held(connection, subscriber_id)
        privacy = catalogue.current(connection).practice.privacy_version
        stop(connection, person, None, privacy, evidence, now, source=STUDIO)


def take_out(
    database: Database, subscriber_id: int, sequence: str, now: datetime, by: str = ""
) -> bool:
    """End one sequence for someone, and no other; return whether they were active in it.

    `by` is who did it. `put_back` undoes it. May raise `NobodyThereError`.
    """
    with database.writing() as connection:
        person = _held(connection, subscriber_id)
        found = enrolments.find_enrolment_in(connection, person.id, sequence)
        if found is None or found.status is not EnrolmentStatus.ACTIVE:
            return False
        reason, because = EnrolmentStatus.REMOVED, EndReason.TAKEN_OUT
        enrolments.end_enrolments(connection, [found.id], reason, now, because)
        message_changes.cancel_open_of(connection, [found.id], Reason(Code.WERE_TAKEN_OUT))
        _note(connection, person, EventKind.REMOVED, now, {"sequence": sequence} | _by(by))
    return True


def put_back(
    database: Database,
    catalogue: Catalogue,
    subscriber_id: int,
    sequence: str,
    now: datetime,
    by: str = "",
) -> None:
    """Put someone back into a sequence that they were taken out of or dropped from.

    They carry on from the email they had reached, when its window next opens. `by` is who did it.
    May raise `NobodyThereError` or `NotPutBackError`.
    """
    with database.writing() as connection:
        person = _held(connection, subscriber_id)
        published = catalogue.current(connection)
        found = enrolments.find_enrolment_in(connection, person.id, sequence)
        if found is None:
            known = ", ".join(e.sequence for e in enrolments.enrolments_of(connection, person.id))
            raise NotPutBackError(
                f"They have never been in “{sequence}”.",
                remedy=f"They are or were in {known}." if known else "They are in no sequence.",
            )
        if why_not := _why_not_back(connection, published, person, found):
            said = in_words(why_not)
            raise NotPutBackError(f"They cannot be put back into “{sequence}”: {said}.")
        progress = putting_back.put_back(published.sequences[sequence], found.progress, now)
        enrolments.put_back(connection, found.id, progress, now)
        _note(connection, person, EventKind.PUT_BACK, now, {"sequence": sequence} | _by(by))


def ways_back(
    connection: Connection, published: Published, person: Subscriber, names: Names
) -> tuple[RestorableEnrolment, ...]:
    """Return the sequences that someone was taken out of or let go from, and if they can return.

    If they cannot, the reason names things by `names`.
    """

    def why_not(one: Enrolment) -> str:
        reason = _why_not_back(connection, published, person, one)
        return in_words(reason, names) if reason else ""

    return tuple(
        RestorableEnrolment(one.sequence, published.sequences[one.sequence].title, why_not(one))
        for one in enrolments.enrolments_of(connection, person.id)
        if putting_back.can_be_put_back(one.ending) and one.sequence in published.sequences
    )


def _why_not_back(
    connection: Connection, published: Published, person: Subscriber, enrolment: Enrolment
) -> Reason | None:
    """Return why someone cannot be put back; `None` if they can."""
    if enrolment.status is EnrolmentStatus.ACTIVE:
        return Reason(Code.UNDER_WAY)
    if suppressed := find_suppression(connection, person.address_hash):
        happened = events.events_of(connection, person.id)
        left = [e["source"] for e in happened if e["kind"] == EventKind.UNSUBSCRIBED]
        return why_suppressed(suppressed, left)
    if not putting_back.can_be_put_back(enrolment.ending):
        return why_ended(enrolment.ending, enrolment.sequence)
    sequence = published.sequences.get(enrolment.sequence)
    if sequence is None:
        return Reason(Code.NO_LONGER_PUBLISHED)
    if ending_of(sequence, enrolment.progress, person.booked_until):
        return Reason(Code.HAVE_SESSION)
    form = sequence.covers_next(enrolment.progress.covered_by)
    if scope_of(Purpose.SERIES, form) not in person.consents:
        return why_ended(NO_CONSENT, enrolment.sequence)
    return None


def _held(connection: Connection, subscriber_id: int) -> Subscriber:
    person = locks.hold_subscriber(connection, subscriber_id)
    if person is None:
        raise NobodyThereError("That person is not known any more.")
    return person


def _by(who: str) -> dict[str, Any]:
    return {"by": who} if who else {}


def _note(
    connection: Connection, person: Subscriber, kind: EventKind, now: datetime, raw: dict[str, Any]
) -> None:
    noted = events.NewEvent(
        kind=kind,
        happened_at=now,
        source=STUDIO,
        source_key=f"{STUDIO}:{kind}:{person.id}:{now.isoformat()}",
        subscriber_id=person.id,
        verdict=Verdict.HUMAN,
        raw=raw,
    )
    events.add_events(connection, [noted])
