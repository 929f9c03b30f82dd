"""Collecting: the guide is delivered, the address confirmed, and the sequence starts."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nurture.domain.reasons import Code, Reason
from nurture.domain.sequences.sequence import SERIES, Sequence
from nurture.domain.subscribers import consent
from nurture.domain.subscribers.awaited import (
    AwaitedConsent,
    SettledConsents,
    open_among,
    settle,
)
from nurture.domain.subscribers.guide_requests import GuideCollected, collect
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Verdict
from nurture.services.catalogue import Catalogue, Published
from nurture.services.inbound.bounces import collected_on_trial
from nurture.services.publishing.guides import GuideFiles, guide_path
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import (
    awaited_consents,
    consents,
    enrolments,
    events,
    message_changes,
    subscribers,
)
from nurture.store.tables.enrolments import Enrolment
from nurture.store.tables.guide_files import newest_guide
from nurture.store.tables.subscribers import Subscriber
from nurture.store.tables.suppressions import suppressions_of


@dataclass(frozen=True, slots=True)
class GuideOffer:
    """What the guide page shows.

    `has_series` says that a series of emails follows, and `asks` names the boxes: what the person
    has not agreed to yet. `ticked` are the boxes that they ticked in a form, to be confirmed here.
    """

    title: str
    collected: bool
    has_series: bool
    asks: tuple[consent.Purpose, ...]
    ticked: tuple[AwaitedConsent, ...] = ()

    @property
    def boxes(self) -> tuple[consent.Purpose, ...]:
        """Every box on the page."""
        return (*(one.purpose for one in self.ticked), *self.asks)


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
        published = catalogue.current(connection)
        sequence = published.sequences[enrolment.sequence]
        ticked = _ticked(connection, person)
        return GuideOffer(
            title=sequence.guide_title,
            collected=enrolment.progress.collected_at is not None,
            has_series=_has_series(sequence, person),
            asks=_asks(connection, published, person, ticked),
            ticked=ticked,
        )


def collect_guide(
    database: Database,
    catalogue: Catalogue,
    guide_files: GuideFiles,
    enrolment_id: int,
    wanted: Mapping[consent.Purpose, bool],
    evidence: consent.Evidence,
    now: datetime,
    shown: Collection[consent.Purpose] | None = None,
) -> GuideFile | None:
    """Deliver the guide, confirm the address and start the sequence.

    It is safe to repeat: only the first time counts. `wanted` are the answers to the questions
    beside the button. `shown` are the boxes that the page had, of which only those count that it
    has for this person; pages of earlier versions do not say. What the person ticked in a form is
    granted, unless they took the tick away here.
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
        _record_answers(connection, published, person, wanted, shown, evidence, now)
        subscribers.confirm_address(connection, person.id, now)
        if collected := collect(enrolment.ending, enrolment.progress, now):
            _begin_series(connection, enrolment, collected, now)
        _note_download(connection, published, enrolment, now)
        uploaded = newest_guide(connection, sequence.key)
    return GuideFile(guide_path(database, guide_files, sequence, uploaded), f"{sequence.key}.pdf")


def _record_answers(
    connection: Connection,
    published: Published,
    person: Subscriber,
    wanted: Mapping[consent.Purpose, bool],
    shown: Collection[consent.Purpose] | None,
    evidence: consent.Evidence,
    now: datetime,
) -> None:
    """Record what the boxes of a page say, and that both of our own were seen."""
    ticked = _ticked(connection, person)
    asks = _asks(connection, published, person, ticked) if shown is not None else _rest(ticked)
    own_boxes = {*asks, *(one.purpose for one in ticked)} & set(consent.OWN_BOXES)
    if own_boxes and own_boxes <= {*wanted, *(shown or ())}:
        subscribers.change_subscriber(connection, person.id, boxes_seen_at=now)
    asked = {consent.Scope(one): yes for one, yes in wanted.items() if one in asks}
    changes = consent.changed(person.consents, asked, consent.OWN_WORDINGS)
    where = consent.Origin("guide-page", published.practice.privacy_version, evidence)
    consents.record_consents(connection, person.id, changes, where, now)
    _settle(connection, person, settle(ticked, wanted, shown), now)


def _settle(
    connection: Connection, person: Subscriber, settled: SettledConsents, now: datetime
) -> None:
    """Grant what was ticked in a form, as it was shown and said there; forget what was dropped."""
    for one in settled.granted:
        where = consent.Origin(f"form:{one.form}", one.privacy_version, one.evidence)
        said_at = one.said_at
        consents.record_consents(connection, person.id, [one.change], where, now, said_at)
    awaited_consents.drop_awaited(connection, [person.id], settled.dropped)


def _ticked(connection: Connection, person: Subscriber) -> tuple[AwaitedConsent, ...]:
    """Return what a person ticked in forms and can confirm."""
    awaited = awaited_consents.awaited_of(connection, person.id)
    return tuple(open_among(awaited, person.consents))


def _rest(ticked: Iterable[AwaitedConsent]) -> tuple[consent.Purpose, ...]:
    """Return our own boxes besides those that were ticked in a form."""
    before = {one.purpose for one in ticked}
    return tuple(one for one in consent.OWN_BOXES if one not in before)


def _has_series(sequence: Sequence, person: Subscriber) -> bool:
    scopes = {sequence.scope(step) for step in sequence.steps if step.kind in SERIES}
    return any(scope in person.consents for scope in scopes if scope)


def _asks(
    connection: Connection,
    published: Published,
    person: Subscriber,
    ticked: Iterable[AwaitedConsent],
) -> tuple[consent.Purpose, ...]:
    """Return what to ask a person: what they have not agreed to, and what would have an effect."""
    suppressed = suppressions_of(connection, person.address_hash)
    says_no = any(one.reason is not SuppressionReason.BOUNCED for one in suppressed)
    idle = set(consent.STREAM_BOXES) if says_no else set()
    if not published.segments.health:
        idle.add(consent.Purpose.HEALTH_TOPICS)
    given = person.consents.purposes | {one.purpose for one in ticked}
    return tuple(one for one in consent.GUIDE_BOXES if one not in given and one not in idle)


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
