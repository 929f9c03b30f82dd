"""Filling a database with enrolled people quickly, by SQL statements."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import CTE, ColumnElement, Integer, Table, bindparam, func, insert, literal, select

from bench.library import GUIDE, SEQUENCE
from nurture.store.database import Database
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import revisions
from nurture.store.tables.subscribers import subscribers
from nurture.store.types import UtcDateTime

#: A Monday morning in winter, when articles are due at 08:30 in London.
MORNING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)

#: When everyone collected their guide: the article's two days of waiting are long over.
COLLECTED = MORNING - timedelta(days=10)

#: Before anyone's time.
LONG_BEFORE = MORNING - timedelta(minutes=5)


def wave(number: int) -> datetime:
    """Return when the people of one wave are due to be looked at; a round sends one wave."""
    return MORNING + timedelta(minutes=10 * number)


def enrol(database: Database, first: int, count: int, look_at: datetime) -> None:
    """Add people numbered from `first`, each already sent their guide and due for the article.

    They are next looked at at `look_at`. All of them consented to tracking; each has one message
    in the ledger, their guide.
    """
    with database.writing() as connection:
        people = numbered(first, count)
        for table, values in (
            (subscribers, _subscriber(people)),
            (enrolments, _enrolment(people, at_moment(look_at))),
            (messages, _message(people)),
        ):
            connection.execute(_insert(table, people, values))


def spread_looks(database: Database, first: int, count: int, over: timedelta) -> None:
    """Spread the next looks at people evenly over a length of time, with none of them now."""
    whole = int(over.total_seconds())
    with database.writing() as connection:
        for part in range(_PARTS):
            at = MORNING + timedelta(days=1, seconds=whole * part // _PARTS)
            chosen = enrolments.c.id.between(first, first + count - 1) & (
                enrolments.c.id % _PARTS == part
            )
            connection.execute(enrolments.update().where(chosen).values(next_look_at=at))


_PARTS = 50


def count_on(database: Database) -> None:
    """Make new rows continue after the numbers that `enrol` assigned itself."""
    if not database.is_sqlite:
        with database.writing() as connection:
            for table in (subscribers, enrolments, messages):
                last = select(func.max(table.c.id)).scalar_subquery()
                connection.execute(select(func.setval(f"{table.name}_id_seq", last)))


def settle(database: Database) -> None:
    """Update the planner's statistics, as autovacuum would in time."""
    if not database.is_sqlite:
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def numbered(first: int, count: int) -> CTE:
    numbers = select(literal(first, Integer).label("n")).cte("numbers", recursive=True)
    more = select(numbers.c.n + 1).where(numbers.c.n < first + count - 1)
    return numbers.union_all(more)


def _insert(table: Table, people: CTE, values: Mapping[str, ColumnElement[Any]]) -> Any:
    return insert(table).from_select(
        list(values), select(*values.values()).select_from(people), include_defaults=False
    )


def at_moment(moment: datetime) -> ColumnElement[Any]:
    return bindparam(None, moment, UtcDateTime, unique=True)


def _text(value: str) -> ColumnElement[Any]:
    return literal(value)


def _subscriber(people: CTE) -> dict[str, ColumnElement[Any]]:
    address = _text("person.").concat(people.c.n).concat("@example.org")
    return {
        "id": people.c.n,
        "address": address,
        "address_key": address,
        "address_hash": _text("5f0e9c8b7a6d5e4f").concat(people.c.n),
        "first_name": _text("Ann"),
        "time_zone": _text("Europe/London"),
        "created_at": at_moment(COLLECTED),
        "confirmed_at": at_moment(COLLECTED),
        "frequency": _text("usual"),
        "purposes": _text("guide marketing tracking"),
        "erased": literal(False),
    }


def _enrolment(people: CTE, look_at: ColumnElement[Any]) -> dict[str, ColumnElement[Any]]:
    return {
        "id": people.c.n,
        "subscriber_id": people.c.n,
        "sequence": _text(SEQUENCE),
        "status": _text("active"),
        "enrolled_at": at_moment(COLLECTED),
        "anchor_at": at_moment(COLLECTED),
        "passed": _text(GUIDE),
        "collected_at": at_moment(COLLECTED),
        "guide_wanted": literal(False),
        "guide_wanted_at": at_moment(COLLECTED),
        "occasion": literal(1),
        "next_look_at": look_at,
        "turn": literal(0),
    }


def _message(people: CTE) -> dict[str, ColumnElement[Any]]:
    revision = select(func.max(revisions.c.id)).scalar_subquery()
    return {
        "enrolment_id": people.c.n,
        "subscriber_id": people.c.n,
        "sequence": _text(SEQUENCE),
        "step": _text(GUIDE),
        "kind": _text("guide"),
        "occasion": literal(1),
        "revision_id": revision,
        "status": _text("accepted"),
        "attempt": literal(1),
        "doubts": literal(0),
        "claim": _text(""),
        "due_at": at_moment(COLLECTED),
        "claimed_at": at_moment(COLLECTED),
        "accepted_at": at_moment(COLLECTED),
        "reason": _text(""),
    }
