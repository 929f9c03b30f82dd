"""Broadcasts at times of their own: readers’ clocks, lateness, and audiences that change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from nurture.services.publishing import segment_editor
from nurture.store.tables.subscribers import subscribers
from tests.faults.broadcasting import (
    COMPLETED,
    FIVE_MINUTES,
    check_the_sum,
    email,
    got,
    in_words,
    let_leave,
    look_once,
    once_each,
    readers,
    sent,
    told,
)
from tests.faults.oracle import Oracle
from tests.installation import Installation
from tests.lists import agreed, bring, said
from tests.machines import command
from tests.servers.clock import ClockFile
from tests.vocabulary import on_the_way_to_the_first_article

KEY = "spring"

ZONES = ("Europe/London", "Asia/Tokyo", "America/New_York")


@pytest.fixture
def oracle(tmp_path: Path, clock_file: ClockFile) -> Iterator[Oracle]:
    """A mail server that remembers when it has accepted what."""
    with Oracle(tmp_path / "accepted.jsonl", clock_file.path) as oracle:
        yield oracle


@pytest.mark.slow
def test_a_segment_that_is_gone_when_the_audience_is_decided_stops_the_broadcast_and_says_so(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    people = [f"c{n}@example.org" for n in range(3)]
    on_the_way_to_the_first_article(home, *people)
    bring(home, [agreed(address) for address in people], said({"news"}))
    at = home.clock.now + timedelta(days=2)
    sent(home, KEY, "--to", "ready-to-book", "--at", at.isoformat())
    context = home.context
    segment_editor.delete(context.database, context.catalogue, "ready-to-book", home.clock.now)
    home.clock.set(at)
    let_leave(home, minutes=10)
    state = told(home, "show", KEY)
    assert not got(oracle, KEY)
    assert state["status"] == "stopped" and "ready-to-book" in state["trouble"]


@pytest.mark.slow
def test_a_broadcast_on_readers_clocks_comes_at_the_hour_of_each_on_a_working_day(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    zones = dict(zip(readers(home, 3), ZONES, strict=True))
    with home.context.database.writing() as connection:
        for address, zone in zones.items():
            known = subscribers.c.address == address
            connection.execute(update(subscribers).where(known).values(time_zone=zone))
    sent(home, KEY, "--on", "2026-03-07", "--hour", "09:30")
    for _ in range(8 * 48):
        home.clock.advance(timedelta(minutes=30))
        look_once(home)
    assert once_each(oracle, KEY) == set(zones)
    local = [one.moment.astimezone(ZoneInfo(zones[one.recipient])) for one in oracle.taken()]
    assert {f"{moment:%d %H:%M}" for moment in local} == {"09 09:30"}


@pytest.mark.slow
def test_a_scheduled_broadcast_may_be_undone_until_it_leaves_and_is_decided_only_then(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    first = set(readers(home, 4))
    at = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
    sent(home, KEY, "--at", "2026-03-04 10:00")
    home.clock.advance(timedelta(days=1))
    look_once(home)
    assert told(home, "undo", KEY)["status"] == "draft"
    told(home, "send", KEY)
    later = set(readers(home, 3, name="later"))
    home.clock.set(at - timedelta(minutes=1))
    look_once(home)
    assert oracle.count() == 0
    let_leave(home)
    assert once_each(oracle, KEY) == first | later


def test_a_broadcast_that_reaches_people_too_late_is_dropped_with_the_reason(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    readers(home, 5)
    sent(home, KEY, "--late-after", "2")
    home.clock.advance(timedelta(days=5))
    look_once(home)
    let_leave(home)
    state = told(home, "show", KEY)
    assert oracle.count() == 0
    check_the_sum(state, 5)
    assert COMPLETED not in state["ended"], state


def test_a_stop_while_nothing_has_left_and_a_long_pause_make_nothing_late(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    everyone = set(readers(home, 5))
    sent(home, KEY, "--late-after", "2")
    told(home, "stop", KEY)
    home.clock.advance(timedelta(days=6))
    told(home, "draft", KEY, "--file", email(home, "corrected"))
    told(home, "resume", KEY)
    home.clock.advance(FIVE_MINUTES)
    let_leave(home)
    assert once_each(oracle, KEY, "corrected") == everyone
    assert not got(oracle, KEY)


@pytest.mark.slow
def test_everyone_erased_while_it_waits_leaves_nothing_to_send(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    everyone = readers(home, 3)
    sent(home, KEY)
    done = [command(home, "forget", address, "--yes").exit_code for address in everyone]
    assert done == [0] * 3
    let_leave(home, minutes=10)
    assert oracle.count() == 0
    assert told(home, "show", KEY)["status"] == "finished"
    assert "cannot be undone" in in_words(command(home, "broadcast", "undo", KEY))
