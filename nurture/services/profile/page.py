"""Introducing one person to the owner, with their story and what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from nurture.domain.account.presets import NO_CHOICES, AccountChoices
from nurture.domain.audience.conditions import Segment, Topic
from nurture.domain.audience.engagement import Engagement, engagement, interests
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.simulation.person import Person
from nurture.domain.simulation.world import SimulatedEvent, What
from nurture.domain.tracking.verdict import Verdict
from nurture.services.catalogue import Catalogue
from nurture.services.profile.explanation import Explanation, explain_subscriber
from nurture.services.profile.page_words import LIVELY, Titles
from nurture.services.profile.rights import in_sentence
from nurture.services.profile.source_words import say_sources
from nurture.services.profile.timeline import Chapter, recount
from nurture.services.simulation.snapshot import portray
from nurture.services.subscribers import consents, export, on_behalf
from nurture.services.subscribers.consents import Proof
from nurture.services.subscribers.on_behalf import RestorableEnrolment
from nurture.store.database import Connection, Database
from nurture.store.personal import HitPage
from nurture.store.tables import subscribers
from nurture.store.tables.instance import is_armed
from nurture.store.tables.subscribers import Subscriber


@dataclass(frozen=True, slots=True)
class UpcomingEmail:
    """An email that will be sent if they do nothing themselves."""

    subject: str
    sequence: str
    at: datetime


#: How many opens and clicks are shown on one page.
_HITS = 300


@dataclass(frozen=True, slots=True)
class Part:
    """As much of a story as fits on one page; the `older` part ends at that time."""

    chapters: tuple[Chapter, ...]
    older: datetime | None


@dataclass(frozen=True, slots=True)
class PersonPage:
    """Everything the owner's page shows about one person.

    `interests` are the topics they care about, strongest first; `hidden` are the health topics,
    which are not examined because the person has not agreed to that, whether or not they care about
    any. `older` is where the story continues, if it does. `sequences` are those they are currently
    in, with their titles. `why_not_sooner` and `nothing_comes` contain whole sentences. `ways_back`
    are the sequences they can be put back into, or the reason why not. `rights` says which
    marketing they may be sent, and `origins` where their signups came from, in whole sentences.
    """

    subscriber: Subscriber
    person: Person
    engagement: Engagement
    because: str
    segments: tuple[Segment, ...]
    interests: tuple[Topic, ...]
    hidden: tuple[Topic, ...]
    sequences: Mapping[str, str]
    coming: tuple[UpcomingEmail, ...]
    nothing_comes: str
    why_not_sooner: tuple[str, ...]
    ways_back: tuple[RestorableEnrolment, ...]
    story: tuple[Chapter, ...]
    older: datetime | None
    proof: Proof
    rights: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


def introduce(
    database: Database,
    catalogue: Catalogue,
    subscriber_id: int,
    now: datetime,
    *,
    fingerprint: str,
    seen: int,
    until: datetime | None = None,
    fixed: AccountChoices = NO_CHOICES,
) -> PersonPage | None:
    """Introduce one person; return `None` if they are no longer known.

    Their story ends at `until`, and starts late enough to be readable. `fingerprint` and `seen`
    identify this instance, as for `instance.is_armed`.
    """
    page = HitPage(_HITS + 1, until)
    record = export.export(database, catalogue, subscriber_id, now, page)
    proof = consents.prove(database, subscriber_id)
    with database.reading() as connection:
        found = subscribers.find_subscriber(connection, subscriber_id)
        if found is None or record is None or proof is None:
            return None
        armed = is_armed(connection, fingerprint, seen)
        published = catalogue.current(connection)
        names = Titles(published, found.first_name)
        explanation = explain_subscriber(
            connection, catalogue, found, now, armed=armed, names=names, fixed=fixed
        )
        titles = published.titles
        story = recount(record, titles, names)
        part = _part(story, record, until)
        shown = _introduction(connection, names, found, explanation, part, proof, now)
    return replace(shown, origins=say_sources(record["signups"], published, now))


def _part(story: list[Chapter], record: Mapping[str, Any], until: datetime | None) -> Part:
    """Return the part of the story for which all hits are available."""
    times = [at for one in record["events"] if (at := _time_of_hit(one))]
    older, since = None, None
    if len(times) > _HITS:
        older = since = min(times)
        if since == max(times):
            older, since = since - timedelta(microseconds=1), since - timedelta(microseconds=1)
    told = (c for c in story if (not since or c.at > since) and (not until or c.at <= until))
    return Part(tuple(told), older)


def _time_of_hit(event: Mapping[str, Any]) -> datetime | None:
    return datetime.fromisoformat(event["happened_at"]) if event["source"] == "hit" else None


def _introduction(
    connection: Connection,
    names: Titles,
    found: Subscriber,
    explanation: Explanation,
    part: Part,
    proof: Proof,
    now: datetime,
) -> PersonPage:
    person = portray(connection, [found.id], now)[found.id]
    known = names.published.segments
    health = known.health if not person.facts.may_infer_health else frozenset()
    cared_for = interests(person.facts, now, known.health)
    liveliness = engagement(person.facts, now)
    return PersonPage(
        subscriber=found,
        person=person,
        engagement=liveliness,
        because=_deed(names, liveliness),
        segments=tuple(known.segments[name] for name in explanation.segments),
        interests=tuple(known.topics.get(i.topic, Topic(i.topic, i.topic)) for i in cared_for),
        hidden=tuple(known.topics[key] for key in sorted(health)),
        sequences={
            one.sequence: names.title(one.sequence)
            for one in person.enrolments
            if one.status is EnrolmentStatus.ACTIVE
        },
        coming=tuple(_coming(names, e) for e in explanation.coming if e.what is What.SENT),
        nothing_comes="" if explanation.next_at else explanation.next,
        why_not_sooner=explanation.why_not_sooner,
        ways_back=on_behalf.ways_back(connection, names.published, found, names),
        story=part.chapters,
        older=part.older,
        proof=proof,
        rights=tuple(in_sentence(one, names.published.title_of_form) for one in explanation.rights),
    )


def _coming(names: Titles, entry: SimulatedEvent) -> UpcomingEmail:
    """Return a simulated email as one to come, with the owner's names."""
    key = f"{entry.sequence}/{entry.step}"
    return UpcomingEmail(names.subject(key), names.title(entry.sequence), entry.at)


def _deed(names: Titles, liveliness: Engagement) -> str:
    """Return what someone did that shows their engagement, in words that follow “they”."""
    event = liveliness.because
    if event is None or event.verdict is not Verdict.HUMAN:
        return "signed up"
    about = f"“{names.subject(event.email)}”"
    return LIVELY[event.kind].format(about)
