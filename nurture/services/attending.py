"""Attending: what the owner does for one person who asked for it, by telephone or in the room.

Each is kept as an event with the source `studio`, so that the person's story says who did it.
"""

from datetime import datetime
from typing import Any

from nurture.domain.consent import STUDIO, Evidence
from nurture.domain.enrolment import EnrolmentStatus
from nurture.domain.errors import NurtureError
from nurture.domain.events import EventKind
from nurture.services.catalogue import Catalogue
from nurture.services.preferring import stop
from nurture.store import enrolments, events, locks, messages, subscribers
from nurture.store.session import Connection, Database
from nurture.store.subscribers import Subscriber


class NobodyThereError(NurtureError):
    """That person has been forgotten, or was never there."""


class NotAheadError(NurtureError):
    """A pause can only end later than now."""


def pause(database: Database, subscriber_id: int, until: datetime, now: datetime) -> None:
    """Send nothing of the series to somebody until then; what they ask for still comes.

    Raises `NotAheadError` and `NobodyThereError`.
    """
    if until <= now:
        raise NotAheadError("A pause has to end later than now.", remedy="Choose a later day.")
    with database.writing() as connection:
        person = _held(connection, subscriber_id)
        subscribers.change_subscriber(connection, person.id, paused_until=until)
        messages.cancel_open(connection, person.id, "they are paused")
        enrolments.look_at_once(connection, enrolments.of_subscriber(person.id), now)
        _note(connection, person, EventKind.PAUSED, now, {"until": until.isoformat()})


def resume(database: Database, subscriber_id: int, now: datetime) -> None:
    """Go on with somebody who is paused; raises `NobodyThereError`."""
    with database.writing() as connection:
        person = _held(connection, subscriber_id)
        if person.paused_until is None or person.paused_until <= now:
            return
        subscribers.change_subscriber(connection, person.id, paused_until=None)
        enrolments.look_at_once(connection, enrolments.of_subscriber(person.id), now)
        _note(connection, person, EventKind.RESUMED, now, {})


def stop_everything(
    database: Database,
    catalogue: Catalogue,
    subscriber_id: int,
    evidence: Evidence,
    now: datetime,
) -> None:
    """Unsubscribe somebody on their behalf; safe to repeat, and only they can take it back.

    Raises `NobodyThereError`.
    """
    with database.writing() as connection:
        person = _held(connection, subscriber_id)
        privacy = catalogue.current(connection).practice.privacy_version
        stop(connection, person, None, privacy, evidence, now, source=STUDIO)


def take_out(database: Database, subscriber_id: int, sequence: str, now: datetime) -> bool:
    """End one sequence for somebody, and no other; return whether they were under way in it.

    Raises `NobodyThereError`.
    """
    with database.writing() as connection:
        person = _held(connection, subscriber_id)
        found = enrolments.find_enrolment_in(connection, person.id, sequence)
        if found is None or found.status is not EnrolmentStatus.ACTIVE:
            return False
        enrolments.end_enrolments(connection, [found.id], EnrolmentStatus.REMOVED, now)
        messages.cancel_open_of(connection, [found.id], "they were taken out of the sequence")
        _note(connection, person, EventKind.REMOVED, now, {"sequence": sequence})
    return True


def _held(connection: Connection, subscriber_id: int) -> Subscriber:
    locks.hold_person(connection, subscriber_id)
    person = subscribers.find_subscriber(connection, subscriber_id)
    if person is None:
        raise NobodyThereError("That person is not known any more.")
    return person


def _note(
    connection: Connection,
    person: Subscriber,
    kind: EventKind,
    now: datetime,
    raw: dict[str, Any],
) -> None:
    row = {
        "kind": kind,
        "subscriber_id": person.id,
        "happened_at": now,
        "source": STUDIO,
        "source_key": f"{STUDIO}:{kind}:{person.id}:{now.isoformat()}",
        "verdict": "human",
        "raw": raw,
    }
    events.add_events(connection, [row])
