"""People: searched, filtered and counted for the owner, newest first.

A list is paged by the number of its last person and never by an offset, so a page far back costs no
more than the first. A name or part of an address is searched for by scanning the people from the
newest on, which ends as soon as a page is full.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from nurture.domain.audience.conditions import Condition
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.address import address_key, address_keys
from nurture.domain.subscribers.bookings import NOT_CANCELLED
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.store.queries.segments import ids_where
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.subscribers import FORM, subscribers
from nurture.store.tables.suppressions import COUNTS_FOR_SUBSCRIBER, suppressions


class PersonStatus(StrEnum):
    """The stage a person is at, as the owner asks for it; a person may be at several."""

    UNDER_WAY = "under-way"
    COMPLETED = "completed"
    BOOKED = "booked"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    UNCONFIRMED = "unconfirmed"
    #: A list brought their address, and nothing shows that they agreed to anything.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Search:
    """What to search people for; an empty field asks for nothing.

    Each word of `words` must occur somewhere in the address or the name. `conditions` are those of
    segments and levels of engagement. With a `sequence`, the stages “under way” and “completed”
    refer to that one.
    """

    words: str = ""
    conditions: tuple[Condition, ...] = ()
    sequence: str = ""
    stage: PersonStatus | None = None


def find_people(
    connection: Connection,
    search: Search,
    now: datetime,
    health: Collection[str],
    *,
    before: int | None = None,
    limit: int,
) -> list[int]:
    """Return the numbers of the people found, newest first; only those older than `before`."""
    wanted = select(subscribers.c.id).where(*_wanted(connection, search, now, health))
    if before is not None:
        wanted = wanted.where(subscribers.c.id < before)
    return list(connection.scalars(wanted.order_by(subscribers.c.id.desc()).limit(limit)))


def count_people(
    connection: Connection, search: Search, now: datetime, health: Collection[str], most: int
) -> int:
    """Count the people found; counting stops at `most`."""
    wanted = select(subscribers.c.id).where(*_wanted(connection, search, now, health)).limit(most)
    return connection.scalar(select(func.count()).select_from(wanted.subquery())) or 0


def _wanted(
    connection: Connection, search: Search, now: datetime, health: Collection[str]
) -> Iterator[ColumnElement[bool]]:
    person = subscribers.c
    yield ~person.erased
    if "@" in search.words and _is_known(connection, search.words):
        # A whole address is found by its index, however many people there are.
        yield person.address_key.in_(address_keys(search.words))
    else:
        for word in search.words.split():
            yield _mentions(connection.dialect.name, word)
    for condition in search.conditions:
        yield person.id.in_(ids_where(connection, condition, now, health))
    if search.stage in (PersonStatus.UNDER_WAY, PersonStatus.COMPLETED) or search.sequence:
        yield _enrolled(search)
    if search.stage:
        yield from _at(search.stage)


def _is_known(connection: Connection, address: str) -> bool:
    same = subscribers.c.address_key.in_(address_keys(address))
    return connection.scalar(select(subscribers.c.id).where(same)) is not None


def _mentions(dialect: str, word: str) -> ColumnElement[bool]:
    """Return whether a word occurs in the address or the name, in upper or lower case.

    SQLite knows the case of ASCII letters only, so a name is also searched for as it is usually
    written, and part of a domain as the DNS has it. Nothing in the word is a wildcard.
    """
    found = func.instr if dialect == "sqlite" else func.strpos
    small, name = word.casefold(), subscribers.c.first_name
    ways = sorted({word, word.capitalize(), word.title()})
    as_known = "" if word.isascii() else address_key(word)
    return or_(
        found(subscribers.c.address_key, small) > 0,
        *([found(subscribers.c.address_key, as_known) > 0] if as_known else []),
        found(func.lower(name), small) > 0,
        *(found(name, way) > 0 for way in ways),
    )


def _enrolled(search: Search) -> ColumnElement[bool]:
    e = enrolments.c
    ways = [e.subscriber_id == subscribers.c.id]
    if search.sequence:
        ways.append(e.sequence == search.sequence)
    match search.stage:
        case PersonStatus.UNDER_WAY:
            ways.append(e.status == EnrolmentStatus.ACTIVE)
        case PersonStatus.COMPLETED:
            ways.append(e.status == EnrolmentStatus.COMPLETED)
    return exists().where(*ways)


def _at(stage: PersonStatus) -> Iterator[ColumnElement[bool]]:
    match stage:
        case PersonStatus.BOOKED:
            yield subscribers.c.booked_until == NOT_CANCELLED
        case PersonStatus.UNSUBSCRIBED:
            yield _suppressed(suppressions.c.reason == SuppressionReason.UNSUBSCRIBED)
        case PersonStatus.SUPPRESSED:
            yield _suppressed(suppressions.c.reason != SuppressionReason.UNSUBSCRIBED)
        case PersonStatus.UNCONFIRMED:
            yield subscribers.c.confirmed_at.is_(None) & (subscribers.c.came_by == FORM)
        case PersonStatus.UNKNOWN:
            yield subscribers.c.basis_unknown


def _suppressed(why: Any) -> ColumnElement[bool]:
    return exists().where(COUNTS_FOR_SUBSCRIBER, why).correlate(subscribers)
