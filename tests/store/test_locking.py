"""Concurrency: rows in progress are left to their owner, and no writer's work is lost."""

import multiprocessing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, update

from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.consent import ConsentChange, Evidence, Origin, Purpose
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.store.database import Connection, Database
from nurture.store.queries.due import (
    Advance,
    advance,
    count_due,
    due_enrolments,
    find_next_look,
    look_again,
)
from nurture.store.queries.locks import hold_subscriber
from nurture.store.tables.consents import consent_history, record_consents
from nurture.store.tables.enrolments import (
    add_enrolment,
    change_enrolment,
    end_enrolments,
    find_enrolment,
)
from nurture.store.tables.subscribers import add_subscriber, change_subscriber, find_by_address
from nurture.store.tables.suppressions import find_suppression, lift_suppression, suppress

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=3)

counters = Table(
    "counters", MetaData(), Column("id", Integer, primary_key=True), Column("n", Integer)
)


def people(database: Database, count: int) -> None:
    """Create that many subscribers, each enrolled and now due."""
    with database.writing() as connection:
        for n in range(1, count + 1):
            add_subscriber(
                connection,
                address=f"p{n}@example.org",
                address_hash=f"h{n}",
                first_name="",
                time_zone="Europe/London",
                now=NOW,
            )
            add_enrolment(connection, subscriber_id=n, sequence="s", now=NOW)


def due(connection: Connection, limit: int = 100, now: datetime = NOW) -> list[int]:
    """Return the IDs of the enrolments that are due to be looked at."""
    return [one.id for one in due_enrolments(connection, now, limit)]


def test_rows_locked_by_one_worker_are_invisible_to_another(postgresql_url: str) -> None:
    one, other = Database(postgresql_url), Database(postgresql_url)
    people(one, 10)
    with one.writing() as first, other.writing() as second:
        taken = due(first, 4)
        rest = due(second)
    assert len(taken) == 4
    assert sorted(taken + rest) == list(range(1, 11))
    one.close()
    other.close()


def test_an_enrolment_changed_in_the_meantime_is_not_claimed_from_stale_data(
    postgresql_url: str,
) -> None:
    one, other = Database(postgresql_url), Database(postgresql_url)
    people(one, 2)
    with other.writing() as second:
        second.execute(select(1))
        with one.writing() as first:
            end_enrolments(first, [1], EnrolmentStatus.COMPLETED, NOW)
        assert due(second) == [2]
    one.close()
    other.close()


def _count_up(url: str, times: int) -> None:
    database = Database(url)
    for _ in range(times):
        with database.writing() as connection:
            n = connection.scalar(select(counters.c.n).with_for_update())
            connection.execute(update(counters).values(n=(n or 0) + 1))
    database.close()


def test_writers_queue_and_lose_no_write(database_url: str) -> None:
    database = Database(database_url)
    with database.writing() as connection:
        counters.create(connection)
        connection.execute(insert(counters).values(id=1, n=0))
    database.close()
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_count_up, args=(database_url, 100)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    with database.reading() as connection:
        assert connection.scalar(select(counters.c.n)) == 400
    database.close()


def test_a_writer_does_not_block_a_reader(database: Database) -> None:
    people(database, 1)
    with database.writing() as writer:
        change_enrolment(writer, 1, LATER)
        with database.reading() as reader:
            assert find_next_look(reader) == NOW
    with database.reading() as reader:
        assert find_next_look(reader) == LATER


def test_only_active_overdue_enrolments_are_due_and_the_longest_waiting_come_first(
    database: Database,
) -> None:
    people(database, 5)
    with database.writing() as connection:
        change_enrolment(connection, 1, NOW - timedelta(hours=1))
        change_enrolment(connection, 2, NOW - timedelta(hours=2))
        change_enrolment(connection, 3, NOW + timedelta(seconds=1))
        end_enrolments(connection, [4], EnrolmentStatus.COMPLETED, NOW)
        assert due(connection) == [2, 1, 5]
        assert due(connection, limit=2) == [2, 1]
        assert (count_due(connection, NOW), count_due(connection, NOW, most=2)) == (3, 2)


def test_a_plan_made_before_an_outside_change_is_looked_at_again_immediately(
    database: Database,
) -> None:
    people(database, 2)
    with database.writing() as connection:
        fresh, stale = due_enrolments(connection, NOW, 10)
        change_enrolment(connection, stale.id, NOW, guide_wanted=True)
        steps = [
            Advance(one.id, one.progress.after("guide", NOW), LATER, one.turn)
            for one in (fresh, stale)
        ]
        advance(connection, steps, NOW)
        assert due(connection) == [stale.id]
        kept = find_enrolment(connection, stale.id)
        assert kept is not None
        assert kept.progress.passed == {"guide"}
        look_again(connection, steps, NOW)
        assert due(connection) == [stale.id]


def test_a_late_worker_cannot_change_an_ended_enrolment(database: Database) -> None:
    people(database, 1)
    with database.writing() as connection:
        [one] = due_enrolments(connection, NOW, 10)
        end_enrolments(connection, [1], EnrolmentStatus.UNSUBSCRIBED, NOW)
        advance(connection, [Advance(1, one.progress, NOW, one.turn)], NOW)
        end_enrolments(connection, [1], EnrolmentStatus.COMPLETED, LATER)
        kept = find_enrolment(connection, 1)
    assert kept is not None
    assert kept.status is EnrolmentStatus.UNSUBSCRIBED
    with database.writing() as connection:
        assert due(connection, now=LATER) == []


def test_an_address_is_found_in_any_case(database: Database) -> None:
    people(database, 1)
    with database.writing() as connection:
        found = find_by_address(connection, " P1@EXAMPLE.org ")
        assert found is not None
        assert found.address == "p1@example.org"


def test_each_suppression_of_an_address_is_lifted_separately(
    database: Database,
) -> None:
    unsubscribed, bounced = SuppressionReason.UNSUBSCRIBED, SuppressionReason.BOUNCED
    with database.writing() as connection:
        suppress(connection, "h", unsubscribed, NOW)
        suppress(connection, "h", bounced, LATER)
        assert find_suppression(connection, "h") is bounced
        assert lift_suppression(connection, "h", bounced, LATER)
        assert not lift_suppression(connection, "h", bounced, LATER)
        assert find_suppression(connection, "h") is unsubscribed
        assert lift_suppression(connection, "h", unsubscribed)
        assert find_suppression(connection, "h") is None


def test_a_lifted_suppression_is_not_restored_by_an_earlier_bounce_reported_late(
    database: Database,
) -> None:
    bounced = SuppressionReason.BOUNCED
    with database.writing() as connection:
        assert suppress(connection, "h", bounced, NOW)
        assert lift_suppression(connection, "h", bounced, LATER)
        assert not suppress(connection, "h", bounced, NOW)
        assert find_suppression(connection, "h") is None
        assert suppress(connection, "h", bounced, LATER + timedelta(hours=1))
        assert find_suppression(connection, "h") is bounced


def test_a_held_subscriber_is_as_they_are_now_and_nobody_is_held_who_has_gone(
    database: Database,
) -> None:
    people(database, 1)
    with database.writing() as connection:
        change_subscriber(connection, 1, first_name="Ann")
        held = hold_subscriber(connection, 1)
        assert held is not None
        assert (held.address, held.first_name) == ("p1@example.org", "Ann")
        assert hold_subscriber(connection, 2) is None
        change_subscriber(connection, 1, erased=True)
        assert hold_subscriber(connection, 1) is None


def test_consent_records_are_appended_and_determine_the_current_state(database: Database) -> None:
    people(database, 1)
    evidence = Evidence("https://example.org/", "192.0.2.1", "A browser")
    said = [(Purpose.GUIDE, True), (Purpose.TRACKING, True), (Purpose.TRACKING, False)]
    with database.writing() as connection:
        for number, (purpose, granted) in enumerate(said):
            record_consents(
                connection,
                1,
                [ConsentChange(purpose, granted, "the wording")],
                Origin("preferences", "2026-11", evidence),
                NOW + timedelta(minutes=number),
            )
        history = consent_history(connection, 1)
        person = find_by_address(connection, "p1@example.org")
    assert [(row["purpose"], row["granted"]) for row in history] == said
    assert len({row["wording_hash"] for row in history}) == 1
    assert person is not None
    assert person.consents.purposes == {Purpose.GUIDE}


@pytest.mark.parametrize("table", ["subscribers", "enrolments"])
def test_a_row_that_refers_to_an_unknown_person_is_refused(database: Database, table: str) -> None:
    from sqlalchemy import exc

    with pytest.raises(exc.IntegrityError), database.writing() as connection:
        if table == "subscribers":
            add_enrolment(connection, subscriber_id=4711, sequence="s", now=NOW)
        else:
            record_consents(
                connection,
                4711,
                [ConsentChange(Purpose.GUIDE, True, "w")],
                Origin("form:x", ""),
                NOW,
            )
