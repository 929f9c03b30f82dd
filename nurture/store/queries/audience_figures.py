"""What a review says of the people of an audience besides their number, one statement each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.known_words import known
from nurture.domain.scheduling.gate import Caps, Frequency
from nurture.domain.subscribers.consent import MARKETING, STREAMS, Purpose
from nurture.store.database import among, as_numbers
from nurture.store.queries.audience import Chosen, joined_as_wholes
from nurture.store.queries.bearings import (
    PURPOSES,
    Bearing,
    barred,
    barred_marks,
    bearing_of,
    marks_at,
)
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
    c = consents.c
    place = sa.func.row_number().over(
        partition_by=c.subscriber_id, order_by=(c.recorded_at.desc(), c.id.desc())
    )
    said = sa.select(c.subscriber_id, c.source, c.granted, place.label("place"))
    last = said.where(c.purpose == stream).subquery()
    is_granted = (last.c.place == 1) & last.c.granted
    rows = _grouped(connection, chosen, last, [last.c.source], is_granted, now)
    found: dict[tuple[str, bool], int] = {}
    for bearing, number, source in rows:
        if bearing in bearings:
            key = source, bearing.is_confirmed
            found[key] = found.get(key, 0) + number
    return [ProvedCount(*key, number) for key, number in found.items()]


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
    minute = _minute(connection, sent.c.claimed_at).label("minute")
    rows = _grouped(connection, chosen, sent, [s.time_zone, s.frequency, minute], at_cap, now)
    return [
        CappedCount(zone, known(Frequency, frequency, Frequency.FEWER), at, number)
        for bearing, number, zone, frequency, at in rows
        if bearing in bearings
    ]


#: A record by which a person agreed, in words, to being sent something.
_HAS_WORDS = (
    consents.c.granted
    & (consents.c.wording != "")
    & consents.c.purpose.in_([Purpose.GUIDE, MARKETING, *STREAMS])
)


def agreed_at(stream: Purpose, sources: Collection[str | None]) -> sa.ColumnElement[bool]:
    """Return the condition that a person last agreed to a stream at one of these sources.

    `None` among them stands for people without any such record.
    """
    c = consents.c
    last = sa.select(c.source).where(c.subscriber_id == subscribers.c.id, c.purpose == stream)
    newest = last.order_by(c.recorded_at.desc(), c.id.desc()).limit(1).correlate(subscribers)
    source = newest.scalar_subquery()
    named = source.in_([one for one in sources if one is not None])
    return named | source.is_(None) if None in sources else named


def _grouped(
    connection: sa.Connection,
    chosen: Chosen | None,
    of: sa.Subquery,
    columns: Sequence[sa.ColumnElement[Any]],
    condition: sa.ColumnElement[bool],
    now: datetime,
) -> list[Any]:
    """Count the people of the audience that `of` has rows of, by bearing and by these columns.

    Each row is a bearing, a number and the columns. Bearings are chosen among by the caller: in the
    statement each choice would work out everyone's marks once more.
    """
    s = subscribers.c
    people, barring = sa.join(of, subscribers, s.id == of.c.subscriber_id), barred_marks()
    if connection.dialect.name != "sqlite":
        why = barred().subquery()
        people = people.outerjoin(why, why.c.address_hash == s.address_hash)
        barring = sa.func.coalesce(why.c.marks, 0)
    marks = (marks_at(now) + barring).label("marks")
    each = sa.select(PURPOSES, marks, *columns).select_from(people).where(~s.erased, condition)
    if chosen is not None:
        each = each.where(s.id.in_(sa.select(chosen.ids(connection).cte())))
    read = each.subquery()
    with joined_as_wholes(connection):
        rows = connection.execute(sa.select(sa.func.count(), *read.c).group_by(*read.c)).all()
    return [(bearing_of(row[1], row[2]), row[0], *row[3:]) for row in rows]


def _minute(connection: sa.Connection, moment: sa.ColumnElement[Any]) -> sa.ColumnElement[datetime]:
    if connection.dialect.name == "sqlite":
        stored = sa.func.substr(sa.type_coerce(moment, sa.Text), 1, 17).concat("00.000000")
        return sa.type_coerce(stored, UtcDateTime)
    return sa.func.date_trunc("minute", moment, type_=UtcDateTime)
