"""Collecting: the guide is delivered, the address confirmed, and the sequence starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nurture.domain.reasons import Code, Reason
from nurture.domain.subscribers import consent
from nurture.domain.subscribers.guide_requests import GuideCollected, collect
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Verdict
from nurture.services.catalogue import Catalogue, Published
from nurture.services.inbound.bounces import collected_on_trial
from nurture.services.publishing.guides import GuideFiles, guide_path
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import consents, enrolments, events, message_changes, subscribers
from nurture.store.tables.enrolments import Enrolment
from nurture.store.tables.guide_files import newest_guide
from nurture.store.tables.subscribers import Subscriber


@dataclass(frozen=True, slots=True)
class GuideOffer:
    """What the guide page shows."""

    title: str
    collected: bool
    tracking: bool
    health_topics: bool


@dataclass(frozen=True, slots=True)
class GuideFile:
    """The PDF to deliver, and its file name."""

    path: Path
    filename: str


def find_guide(database: Database, catalogue: Catalogue, enrolment_id: int) -> GuideOffer | None:
    """Return what the guide page of an enrolment shows, or `None` if there is nothing to show."""
    with database.reading() as connection:
        found = _find_enrolled(connection, enrolment_id)
        if found is None:
            return None
        enrolment, person = found
        sequence = catalogue.current(connection).sequences[enrolment.sequence]
        return GuideOffer(
            title=sequence.guide_title,
            collected=enrolment.progress.collected_at is not None,
            tracking=consent.Purpose.TRACKING in person.consents,
            health_topics=consent.Purpose.HEALTH_TOPICS in person.consents,
        )


def collect_guide(
    database: Database,
    catalogue: Catalogue,
    guide_files: GuideFiles,
    enrolment_id: int,
    wanted: Mapping[consent.Purpose, bool],
    evidence: consent.Evidence,
    now: datetime,
) -> GuideFile | None:
    """Deliver the guide, confirm the address and start the sequence.

    It is safe to repeat: only the first time counts. `wanted` are the answers to the two questions
    beside the button.
    """
    with database.writing() as connection:
        found = _hold_enrolled(connection, enrolment_id)
        if found is None:
            return None
        enrolment, person = found
        published = catalogue.current(connection)
        sequence = published.sequences[enrolment.sequence]
        if collected_on_trial(connection, published, person, enrolment.id, now):
            enrolment, person = _find_enrolled(connection, enrolment_id) or found
        if wanted.keys() >= set(consent.OWN_BOXES):
            subscribers.change_subscriber(connection, person.id, boxes_seen_at=now)
        asked = {consent.Scope(purpose): yes for purpose, yes in wanted.items()}
        changes = consent.changed(person.consents, asked, consent.OWN_WORDINGS)
        where = consent.Origin("guide-page", published.practice.privacy_version, evidence)
        consents.record_consents(connection, person.id, changes, where, now)
        subscribers.confirm_address(connection, person.id, now)
        if collected := collect(enrolment.ending, enrolment.progress, now):
            _begin_series(connection, enrolment, collected, now)
        _note_download(connection, published, enrolment, now)
        uploaded = newest_guide(connection, sequence.key)
    return GuideFile(guide_path(database, guide_files, sequence, uploaded), f"{sequence.key}.pdf")


def _find_enrolled(
    connection: Connection, enrolment_id: int
) -> tuple[Enrolment, Subscriber] | None:
    enrolment = _present_enrolment(connection, enrolment_id)
    person = enrolment and subscribers.find_subscriber(connection, enrolment.subscriber_id)
    return (enrolment, person) if enrolment and person else None


def _present_enrolment(connection: Connection, enrolment_id: int) -> Enrolment | None:
    """Return the enrolment, or the new one of a person erased unconfirmed who came back."""
    enrolment = enrolments.find_enrolment(connection, enrolment_id)
    if enrolment is None:
        return None
    person = subscribers.present_number(connection, enrolment.subscriber_id)
    if person in (None, enrolment.subscriber_id):
        return enrolment
    return enrolments.find_enrolment_in(connection, person, enrolment.sequence)


def _hold_enrolled(
    connection: Connection, enrolment_id: int
) -> tuple[Enrolment, Subscriber] | None:
    found = _present_enrolment(connection, enrolment_id)
    person = found and locks.hold_subscriber(connection, found.subscriber_id)
    enrolment = found and enrolments.find_enrolment(connection, found.id)
    return (enrolment, person) if enrolment and person else None


def _begin_series(
    connection: Connection, enrolment: Enrolment, collected: GuideCollected, now: datetime
) -> None:
    message_changes.cancel_open_of(connection, [enrolment.id], Reason(Code.GUIDE_COLLECTED))
    enrolments.change_enrolment(
        connection,
        enrolment.id,
        now,
        status=collected.ending.status,
        ended_at=None if collected.is_under_way else enrolment.ended_at,
        ended_because=collected.ending.because,
        **enrolments.columns_of(collected.progress),
    )


def _note_download(
    connection: Connection, published: Published, enrolment: Enrolment, now: datetime
) -> None:
    email = published.guide_email(published.sequences[enrolment.sequence])
    downloaded = events.NewEvent(
        kind=EventKind.DOWNLOADED,
        happened_at=now,
        source="guide-page",
        source_key=f"downloaded:{enrolment.id}:{now.isoformat()}",
        subscriber_id=enrolment.subscriber_id,
        email=email.key if email else None,
        topics=frozenset(email.topics) if email else None,
        verdict=Verdict.HUMAN,
    )
    events.add_events(connection, [downloaded])
