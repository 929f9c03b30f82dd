"""What a review says of the people of an audience besides their number, one statement each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.known_words import known
from nurture.domain.scheduling.gate import Caps, Frequency
from nurture.domain.subscribers.consent import MARKETING, STREAMS, Purpose
from nurture.store.database import among, as_numbers
from nurture.store.queries.audience import Chosen
from nurture.store.queries.bearings import Bearing, are_of, barred_marks, bearing_of, marks_at
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
    c, marks = consents.c, marks_at(now) + barred_marks()
    place = sa.func.row_number().over(
        partition_by=c.subscriber_id, order_by=(c.recorded_at.desc(), c.id.desc())
    )
    said = sa.select(c.subscriber_id, c.source, c.granted, place.label("place"))
    last = said.where(c.purpose == stream).subquery()
    joined = sa.join(last, subscribers, subscribers.c.id == last.c.subscriber_id)
    found = sa.select(last.c.source, marks.label("marks")).select_from(joined)
    of_them = _are_those(connection, chosen, bearings, marks)
    read = found.where(last.c.place == 1, last.c.granted, *of_them).subquery()
    grouped = sa.select(*read.c, sa.func.count()).group_by(*read.c)
    return [
        ProvedCount(row[0], bearing_of("", row[1]).is_confirmed, row[2])
        for row in connection.execute(grouped)
    ]


def wordings_of(connection: sa.Connection, people: Collection[int]) -> list[str]:
    """Return the words that these people last agreed to, if they were to be sent something.

    The most frequent are first.
    """
    c = consents.c
    theirs = among(connection.dialect.name, c.subscriber_id, "people")
    place = sa.func.row_number().over(
        partition_by=c.subscriber_id, order_by=(c.recorded_at.desc(), c.id.desc())
    )
    said = sa.select(c.wording, place.label("place")).where(theirs, _HAS_WORDS).subquery()
    counted = sa.select(said.c.wording).where(said.c.place == 1).group_by(said.c.wording)
    ordered = counted.order_by(sa.func.count().desc(), said.c.wording)
    return list(connection.scalars(ordered, {"people": as_numbers(connection, people)}))


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
    m, s = messages.c, subscribers.c
    newest = sa.func.row_number().over(partition_by=m.subscriber_id, order_by=m.claimed_at.desc())
    recent = sa.select(m.subscriber_id, m.claimed_at, newest.label("place"))
    sent = recent.where(m.claimed_at > now - caps.longest, COUNTED_BY_CAP).subquery()
    usual, fewer = (
        (sent.c.place == cap.mails) & (sent.c.claimed_at > now - cap.within)
        for cap in (caps.usual, caps.fewer)
    )
    at_cap = sa.case((s.frequency == Frequency.USUAL, usual), else_=fewer)
    of_them = _are_those(connection, chosen, bearings, marks_at(now) + barred_marks())
    minute = _minute(connection, sent.c.claimed_at).label("minute")
    held = sa.select(s.time_zone, s.frequency, minute).where(at_cap, *of_them)
    read = held.select_from(sa.join(sent, subscribers, s.id == sent.c.subscriber_id)).subquery()
    grouped = sa.select(*read.c, sa.func.count()).group_by(*read.c).order_by(*read.c)
    return [
        CappedCount(row[0], known(Frequency, row[1], Frequency.FEWER), row[2], row[3])
        for row in connection.execute(grouped)
    ]


#: A record by which a person agreed, in words, to being sent something.
_HAS_WORDS = (
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


def _are_those(
    connection: sa.Connection,
    chosen: Chosen | None,
    bearings: Collection[Bearing],
    marks: sa.ColumnElement[int],
) -> list[sa.ColumnElement[bool]]:
    theirs = [~subscribers.c.erased, are_of(bearings, marks)]
    if chosen is not None:
        theirs.append(subscribers.c.id.in_(sa.select(chosen.ids(connection).cte())))
    return theirs


def _minute(connection: sa.Connection, moment: sa.ColumnElement[Any]) -> sa.ColumnElement[datetime]:
    if connection.dialect.name == "sqlite":
        stored = sa.func.substr(sa.type_coerce(moment, sa.Text), 1, 17).concat("00.000000")
        return sa.type_coerce(stored, UtcDateTime)
    return sa.func.date_trunc("minute", moment, type_=UtcDateTime)
