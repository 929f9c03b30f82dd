"""Finding people: by part of their address or name, by segment, and by their state."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.audience.conditions import Condition, IsLevel, Segments
from nurture.domain.audience.engagement import EngagementLevel, engagement
from nurture.domain.errors import NurtureError
from nurture.domain.simulation.person import Person
from nurture.services.catalogue import Catalogue
from nurture.services.simulation.snapshot import portray
from nurture.store.database import Connection, Database
from nurture.store.queries.search import PersonStatus, Search, count_people, find_people

__all__ = ["AskedForError", "Found", "PersonStatus", "Question", "SearchPage", "find"]

#: How many people one page of the list shows.
PAGE = 50

#: Nobody needs the exact number above this, and counting further would only cost time.
COUNTED = 10_000


class AskedForError(NurtureError):
    """The search names a segment or sequence that is no longer published."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the owner searches for; empty fields match everyone."""

    words: str = ""
    segment: str = ""
    sequence: str = ""
    level: EngagementLevel | None = None
    stage: PersonStatus | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A person found, and their state."""

    id: int
    person: Person
    level: EngagementLevel


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of the people found, newest first.

    `count` is the total, or a lower bound if `is_more` is set. Pass `next` back as `before` to get
    the following page.
    """

    people: tuple[Found, ...]
    count: int
    is_more: bool
    next: int | None


def find(
    database: Database,
    catalogue: Catalogue,
    question: Question,
    now: datetime,
    before: int | None = None,
) -> SearchPage:
    """Return one page of the people who match; may raise `AskedForError`."""
    with database.reading() as connection:
        published = catalogue.current(connection)
        if question.sequence and question.sequence not in published.sequences:
            raise AskedForError(f"There is no sequence “{question.sequence}” any more.")
        search = _search(question, published.segments)
        health = published.segments.health
        numbers = find_people(connection, search, now, health, before=before, limit=PAGE + 1)
        # A search for part of a name often finds one person; then all results are on this page.
        count = len(numbers)
        if before is not None or count > PAGE:
            count = count_people(connection, search, now, health, COUNTED + 1)
        people = _described(connection, numbers[:PAGE], now)
    there_is_more = len(numbers) > PAGE
    return SearchPage(
        people=people,
        count=min(count, COUNTED),
        is_more=count > COUNTED,
        next=numbers[PAGE - 1] if there_is_more else None,
    )


def _search(question: Question, segments: Segments) -> Search:
    conditions: list[Condition] = []
    if question.segment:
        if question.segment not in segments.segments:
            raise AskedForError(f"There is no segment “{question.segment}” any more.")
        conditions.append(segments.segments[question.segment].condition)
    if question.level:
        conditions.append(IsLevel(frozenset({question.level})))
    return Search(question.words, tuple(conditions), question.sequence, question.stage)


def _described(
    connection: Connection, numbers: Collection[int], now: datetime
) -> tuple[Found, ...]:
    people = portray(connection, numbers, now)
    return tuple(
        Found(number, people[number], engagement(people[number].facts, now).level)
        for number in numbers
        if number in people
    )
