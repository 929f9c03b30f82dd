"""What a review says of the people of an audience besides their number, one statement each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.known_words import known
from nurture.domain.scheduling.gate import Caps, Frequency
from nurture.domain.subscribers.consent import MARKETING, STREAMS, Purpose
from nurture.store.queries.audience import Chosen, people_of
from nurture.store.queries.bearings import Bearing, are_of, bearing_of
from nurture.store.tables.consents import consents
from nurture.store.tables.messages import COUNTED_BY_CAP, messages
from nurture.store.tables.subscribers import subscribers
from nurture.store.types import UtcDateTime


@dataclass(frozen=True, slots=True)
class ProvedCount:
    """How many people agreed to a stream at that source, by whether their address is confirmed."""

    source: str
    is_confirmed: bool
    number: int


@dataclass(frozen=True, slots=True)
class CappedCount:
    """How many people the cap holds back, and when the email was sent that it counts from.

    `counts_from` is rounded down to the minute.
    """

    time_zone: str
    frequency: Frequency
    counts_from: datetime
    number: int


def count_zones(
    connection: sa.Connection, chosen: Chosen | None, bearings: Collection[Bearing], now: datetime
) -> dict[str, int]:
    """Count the people of these bearings in the audience by time zone."""
    if not bearings:
        return {}
    people = _those(connection, chosen, bearings, now)
    grouped = sa.select(people.c.time_zone, sa.func.count()).group_by(people.c.time_zone)
    return {row[0]: row[1] for row in connection.execute(grouped)}


def count_sources(
    connection: sa.Connection,
    chosen: Chosen | None,
    bearings: Collection[Bearing],
    stream: Purpose,
    now: datetime,
) -> list[ProvedCount]:
    """Count the people of these bearings in the audience by how they last agreed to a stream."""
    if not bearings:
        return []
    people = _those(connection, chosen, bearings, now)
    said = _latest(consents.c.purpose == stream)
    last = said.join(consents, consents.c.id == said.c.id)
    joined = last.join(people, people.c.id == said.c.subscriber_id)
    columns = (consents.c.source, people.c.marks)
    grouped = sa.select(*columns, sa.func.count()).select_from(joined).where(consents.c.granted)
    return [
        ProvedCount(source, bearing_of("", marks).is_confirmed, number)
        for source, marks, number in connection.execute(grouped.group_by(*columns))
    ]


def count_wordings(
    connection: sa.Connection, chosen: Chosen | None, bearings: Collection[Bearing], now: datetime
) -> list[tuple[str, int]]:
    """Count the people of these bearings in the audience by the words they last agreed to.

    The most frequent are first. People who agreed to being sent nothing are left out.
    """
    if not bearings:
        return []
    people = _those(connection, chosen, bearings, now)
    said = _latest(HAS_WORDS)
    last = said.join(consents, consents.c.id == said.c.id)
    joined = last.join(people, people.c.id == said.c.subscriber_id)
    number = sa.func.count().label("number")
    grouped = sa.select(consents.c.wording, number).select_from(joined)
    ordered = grouped.group_by(consents.c.wording).order_by(number.desc(), consents.c.wording)
    return [(wording, count) for wording, count in connection.execute(ordered)]


def count_capped(
    connection: sa.Connection,
    chosen: Chosen | None,
    bearings: Collection[Bearing],
    caps: Caps,
    now: datetime,
) -> list[CappedCount]:
    """Count the people of these bearings in the audience who are at their cap now."""
    if not bearings:
        return []
    people = _those(connection, chosen, bearings, now)
    m = messages.c
    newest = sa.func.row_number().over(partition_by=m.subscriber_id, order_by=m.claimed_at.desc())
    recent = sa.select(m.subscriber_id, m.claimed_at, newest.label("place"))
    sent = recent.where(m.claimed_at > now - caps.longest, COUNTED_BY_CAP).subquery()
    joined = sent.join(people, people.c.id == sent.c.subscriber_id)
    is_usual = people.c.frequency == Frequency.USUAL
    usual, fewer = (
        (sent.c.place == cap.mails) & (sent.c.claimed_at > now - cap.within)
        for cap in (caps.usual, caps.fewer)
    )
    minute = _minute(connection, sent.c.claimed_at).label("minute")
    held = sa.select(people.c.time_zone, people.c.frequency, minute).select_from(joined)
    at_cap = held.where(sa.case((is_usual, usual), else_=fewer)).subquery()
    grouped = sa.select(*at_cap.c, sa.func.count()).group_by(*at_cap.c).order_by(*at_cap.c)
    return [
        CappedCount(row[0], known(Frequency, row[1], Frequency.FEWER), row[2], row[3])
        for row in connection.execute(grouped)
    ]


#: A record by which a person agreed, in words, to being sent something.
HAS_WORDS = (
    consents.c.granted
    & (consents.c.wording != "")
    & consents.c.purpose.in_([Purpose.GUIDE, MARKETING, *STREAMS])
)


def agreed_at(stream: Purpose, sources: Collection[str | None]) -> sa.ColumnElement[bool]:
    """Return the condition that a person last agreed to a stream at one of these sources.

    `None` among them stands for people of whom nothing is recorded.
    """
    c = consents.c
    last = sa.select(c.source).where(c.subscriber_id == subscribers.c.id, c.purpose == stream)
    newest = last.order_by(c.recorded_at.desc(), c.id.desc()).limit(1).correlate(subscribers)
    source = newest.scalar_subquery()
    named = source.in_([one for one in sources if one is not None])
    return named | source.is_(None) if None in sources else named


def agreed_in_words() -> sa.ColumnElement[bool]:
    """Return the condition that a person has ever agreed, in words, to being sent something."""
    theirs = HAS_WORDS & (consents.c.subscriber_id == subscribers.c.id)
    return sa.exists().where(theirs).correlate(subscribers)


def _those(
    connection: sa.Connection, chosen: Chosen | None, bearings: Collection[Bearing], now: datetime
) -> sa.CTE:
    people = people_of(connection, chosen, now).subquery()
    marks = people.c.marks
    theirs = sa.select(people).where(people.c.is_in, are_of(bearings, marks, people.c.purposes))
    return theirs.cte()


def _latest(condition: sa.ColumnElement[bool]) -> sa.Subquery:
    """Select the last of the records of each person that meet a condition."""
    c = consents.c
    order = (c.recorded_at.desc(), c.id.desc())
    place = sa.func.row_number().over(partition_by=c.subscriber_id, order_by=order)
    each = sa.select(c.id, c.subscriber_id, place.label("place")).where(condition).subquery()
    return sa.select(each.c.id, each.c.subscriber_id).where(each.c.place == 1).subquery()


def _minute(connection: sa.Connection, moment: sa.ColumnElement[Any]) -> sa.ColumnElement[datetime]:
    if connection.dialect.name == "sqlite":
        stored = sa.func.substr(sa.type_coerce(moment, sa.Text), 1, 17).concat("00.000000")
        return sa.type_coerce(stored, UtcDateTime)
    return sa.func.date_trunc("minute", moment, type_=UtcDateTime)
