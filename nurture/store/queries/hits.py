"""Hits, the events for requested pixels and links: holding, judging and forgetting them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from nurture.domain.known_words import known
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Hit, Verdict
from nurture.domain.tracking.verdict import Judgement
from nurture.store.database import as_rows, rows_as_table
from nurture.store.queries.locks import hold
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import HAS_RAW, HELD, RAW, add_rows, events
from nurture.store.tables.messages import Followed, messages
from nurture.store.types import UtcDateTime

#: Above this many hits by one client, the number of people they were for makes no difference.
_MANY = 1000


@dataclass(frozen=True, slots=True)
class Mailed:
    """What is known about the message that hits belong to."""

    revision: int
    accepted_at: datetime | None


#: A client and the period in which it is looked for.
Spell = tuple[str, datetime, datetime]

#: A hit to be stored, the message that it is on, and the topics it is about.
NewHit = tuple[Hit, Followed, frozenset[str] | None]


def add_hits(connection: sa.Connection, new: Iterable[NewHit]) -> int:
    """Store hits as held, each once by its line in a journal; return how many were new."""
    rows = [
        (
            hit.kind,
            followed.subscriber,
            hit.message,
            hit.at,
            followed.email,
            topics,
            "hit",
            hit.line,
            hit.link,
            hit.method,
            hit.client,
            hit.user_agent,
            hit.query or None,
            {"purpose": hit.purpose} if hit.purpose else None,
        )
        for hit, followed, topics in new
    ]
    return add_rows(connection, _NEW, rows)


def messages_waiting(connection: sa.Connection, before: datetime, hits: int) -> list[int]:
    """Return the messages with the longest-held hits before a moment, up to `hits` of them."""
    longest = (
        sa.select(events.c.message_id)
        .where(HELD, events.c.user_agent.is_not(None), events.c.happened_at <= before)
        .order_by(events.c.happened_at)
        .limit(hits)
        .subquery()
    )
    return list(connection.scalars(sa.select(longest.c.message_id).distinct()))


def messages_judged(
    connection: sa.Connection, after: int, since: datetime | None, limit: int
) -> list[int]:
    """Return the next messages, by number, whose hits have been judged and can be judged again."""
    when = events.c.happened_at >= since if since else sa.true()
    statement = (
        sa.select(events.c.message_id)
        .where(events.c.message_id > after, _CAN_BE_JUDGED, events.c.verdict.is_not(None), when)
        .distinct()
        .order_by(events.c.message_id)
        .limit(limit)
    )
    return list(connection.scalars(statement))


def mailed(connection: sa.Connection, message_ids: Iterable[int]) -> dict[int, Mailed]:
    """Return what is known about these messages."""
    chosen = messages.c.id.in_(list(message_ids))
    statement = sa.select(messages.c.id, messages.c.revision_id, messages.c.accepted_at)
    return {row[0]: Mailed(row[1], row[2]) for row in connection.execute(statement.where(chosen))}


def take_messages(connection: sa.Connection, message_ids: Iterable[int], *, wait: bool) -> set[int]:
    """Lock messages whose verdicts will be written; without `wait`, only those that are free.

    Before waiting for messages, their enrolments are locked (see `locks`).
    """
    if connection.dialect.name == "sqlite":
        return set(message_ids)
    chosen = messages.c.id.in_(list(message_ids))
    if wait:
        hold(connection, enrolments.c.id.in_(sa.select(messages.c.enrolment_id).where(chosen)))
    statement = sa.select(messages.c.id).where(chosen).order_by(messages.c.id)
    locked = statement.with_for_update(key_share=True, skip_locked=not wait)
    return set(connection.scalars(locked))


def hits_on(connection: sa.Connection, message_ids: Iterable[int]) -> list[Hit]:
    """Return the hits on these messages, message by message, oldest first.

    Hits whose raw data has been dropped are left out.
    """
    statement = (
        sa.select(*(events.c[name] for name in _READ))
        .where(events.c.message_id.in_(list(message_ids)), _CAN_BE_JUDGED)
        .order_by(events.c.message_id, events.c.happened_at, events.c.id)
    )
    return [_as_hit(row) for row in connection.execute(statement).mappings()]


def count_fetched_for(connection: sa.Connection, spells: Sequence[Spell]) -> dict[Spell, int]:
    """Count the subscribers each client fetched for in its span; large counts are approximate."""
    if not spells:
        return {}
    given = as_rows(connection, _spells, _SPELL, spells)
    rows = connection.execute(_crowd_statement(connection.dialect.name), {"rows": given})
    return {(client, since, until): count for client, since, until, count in rows}


def save_judgements(
    connection: sa.Connection, judged: Mapping[int, Judgement], rules: int, *, held: bool
) -> int:
    """Save the verdicts on hits, by event number, with the rules they come from.

    A hit whose raw data has gone since it was read stays unchanged and, with `held`, so does one
    that has been judged meanwhile. Return how many verdicts were saved.
    """
    if not judged:
        return 0
    rows = ((n, one.verdict, list(one.reasons), rules) for n, one in judged.items())
    given = as_rows(connection, events, _JUDGED, rows)
    statement = _save_statement(connection.dialect.name, held)
    return connection.execute(statement, {"rows": given}).rowcount


def drop_raw(connection: sa.Connection, before: datetime, limit: int) -> int:
    """Drop what the oldest opens and clicks before a moment reveal about people's machines.

    A hit that is held is left until it has been judged, and one that another transaction has locked
    is left until the next time. Return how many were dropped, at most `limit`.
    """
    old = old_raw(before).limit(limit).with_for_update(skip_locked=True, key_share=True)
    dropped = connection.execute(
        sa.update(events).where(events.c.id.in_(old)).values(dict.fromkeys(RAW))
    )
    return dropped.rowcount


def old_raw(before: datetime) -> sa.Select[tuple[int]]:
    """Return the events whose raw data is from before a given moment, oldest first."""
    chosen = sa.select(events.c.id).where(HAS_RAW, events.c.happened_at < before, ~HELD)
    return chosen.order_by(events.c.happened_at)


_CAN_BE_JUDGED = (events.c.source == "hit") & events.c.user_agent.is_not(None)
_NEW = (
    "kind",
    "subscriber_id",
    "message_id",
    "happened_at",
    "email",
    "topics",
    "source",
    "source_key",
    "link",
    "method",
    "client",
    "user_agent",
    "query",
    "raw",
)
_READ = (
    "id",
    "message_id",
    "kind",
    "happened_at",
    "method",
    "user_agent",
    "client",
    "link",
    "query",
    "raw",
    "verdict",
    "rules",
)
_JUDGED = ("id", "verdict", "reasons", "rules")
_SPELL = ("client", "since", "until")
_spells = sa.Table(
    "spells",
    sa.MetaData(),
    sa.Column("client", sa.Text),
    sa.Column("since", UtcDateTime),
    sa.Column("until", UtcDateTime),
)


@cache
def _crowd_statement(dialect: str) -> Any:
    asked = rows_as_table(dialect, _spells, _SPELL)
    near = (
        sa.select(events.c.subscriber_id)
        .where(
            events.c.client == asked.c.client,
            events.c.happened_at.between(asked.c.since, asked.c.until),
        )
        .limit(_MANY)
        .correlate(asked)
        .subquery()
    )
    count = (
        sa.select(sa.func.count(sa.distinct(near.c.subscriber_id)))
        .correlate(asked)
        .scalar_subquery()
    )
    return sa.select(*asked.c, count)


@cache
def _save_statement(dialect: str, held: bool) -> Any:
    rows = rows_as_table(dialect, events, _JUDGED)
    values = {name: rows.c[name] for name in _JUDGED if name != "id"}
    where = (events.c.id == rows.c.id) & _CAN_BE_JUDGED
    if held:
        where &= events.c.verdict.is_(None)
    return sa.update(events).where(where).values(values)


def _as_hit(row: sa.RowMapping) -> Hit:
    return Hit(
        kind=known(EventKind, row["kind"], EventKind.CLICKED),
        at=row["happened_at"],
        method=row["method"] or "",
        user_agent=row["user_agent"] or "",
        client=row["client"] or "",
        purpose=(row["raw"] or {}).get("purpose", ""),
        link=row["link"],
        query=row["query"] or "",
        message=row["message_id"],
        row=row["id"],
        verdict=known(Verdict, row["verdict"], Verdict.UNSURE) if row["verdict"] else None,
        rules=row["rules"],
    )
