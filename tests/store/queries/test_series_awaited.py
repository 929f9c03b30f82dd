"""Which emails of series go before the broadcasts of a batch, and that the moves are kept."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from nurture.domain.sequences.enrolment import Progress
from nurture.store.database import Database
from nurture.store.queries.due import Advance, advance, due_enrolments, series_awaited
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.subscribers import subscribers
from tests.people import NOW

HOUR = timedelta(hours=1)
SERIES = {"pain-guide", "over-50-guide"}


def enrol(database: Database, person: int, sequence: str = "pain-guide", **more: Any) -> None:
    """Enrol a person whose next email has moved twice and is awaited in an hour."""
    row = {
        "subscriber_id": person,
        "sequence": sequence,
        "status": "active",
        "enrolled_at": NOW,
        "anchor_at": NOW,
        "passed": (),
        "guide_wanted": False,
        "guide_wanted_at": NOW,
        "next_look_at": NOW + HOUR,
        "moved": 2,
    }
    with database.writing() as connection:
        connection.execute(insert(enrolments), [row | more])


@pytest.fixture
def people(database: Database) -> Database:
    """A database with two people in it."""
    rows: list[dict[str, Any]] = [
        {
            "id": number,
            "address": f"{number}@example.org",
            "address_key": f"{number}@example.org",
            "address_hash": str(number),
            "first_name": "",
            "time_zone": "UTC",
            "purposes": set(),
            "created_at": NOW,
        }
        for number in (1, 2)
    ]
    with database.writing() as connection:
        connection.execute(insert(subscribers), rows)
    return database


def awaited(database: Database, *asked: int) -> Mapping[int, datetime]:
    """Return what goes first for these people."""
    with database.reading() as connection:
        return series_awaited(connection, asked, SERIES, 2)


def test_the_earliest_email_that_moved_often_is_found_for_each_person(people: Database) -> None:
    enrol(people, 1)
    enrol(people, 1, "over-50-guide", next_look_at=NOW - HOUR, moved=3)
    enrol(people, 2)
    assert awaited(people, 1) == {1: NOW - HOUR}
    assert awaited(people, 1, 2) == {1: NOW - HOUR, 2: NOW + HOUR}


@pytest.mark.parametrize(
    "other",
    [
        {"moved": 1},
        {"next_look_at": None},
        {"status": "completed"},
        {"held_at": NOW},
        {"sequence": "paused-or-gone"},
        {"sequence": "broadcast:news", "broadcast": 1},
    ],
    ids=["moved once", "in hand", "ended", "held", "paused", "a broadcast"],
)
def test_nothing_else_keeps_a_broadcast_waiting(people: Database, other: dict[str, Any]) -> None:
    enrol(people, 1, **other)
    assert awaited(people, 1) == {}


def test_how_often_an_email_has_moved_is_kept_until_it_has_been_passed(people: Database) -> None:
    enrol(people, 1, moved=0, next_look_at=NOW)
    moved = Progress(NOW, NOW, guide_wanted=False, moved=2)
    for progress, kept in ((moved, 2), (moved.after("first", NOW), 0)):
        with people.writing() as connection:
            [due] = due_enrolments(connection, NOW, 10)
            advance(connection, [Advance(due.id, progress, NOW, due.turn)], NOW)
            [again] = due_enrolments(connection, NOW, 10)
            assert again.progress.moved == kept
            assert connection.scalar(select(enrolments.c.moved)) == kept
