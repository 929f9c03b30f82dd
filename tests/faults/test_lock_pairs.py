"""Two transactions at their worst moment: one of them waits for the other, never both."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from nurture.domain.account import hold as rules
from nurture.domain.messages.refusal import Cause
from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.services.backup import held
from nurture.services.delivery import batch, doubts, sweep
from nurture.services.delivery import pause as sequence_pause
from nurture.services.publishing import files
from nurture.store import personal
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import (
    account,
    bookings,
    enrolments,
    holds,
    message_changes,
    sequences,
)
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from tests.faults.deadlocks import told_of_deadlocks
from tests.faults.oracle import Oracle
from tests.faults.workers import expire_leases, until
from tests.installation import Installation, shipped_library
from tests.servers.clock import ClockFile
from tests.vocabulary import ANN, book, claim, claim_and_begin, on_the_way_to_the_first_article

SERIES = "pain-guide"
BOB = "bob@example.org"

Deed = Callable[[], object]
Locks = Callable[[Connection], object]


@pytest.fixture
def home(
    postgresql_url: str, tmp_path: Path, clock_file: ClockFile, oracle: Oracle
) -> Iterator[Installation]:
    """An installation in which Ann's and Bob's first article is due."""
    home = Installation(postgresql_url, tmp_path, clock_file, oracle.url).publish_shipped()
    on_the_way_to_the_first_article(home, ANN, BOB)
    yield home
    home.close()


@pytest.fixture
def meet(home: Installation, shared_directory: Path) -> Iterator[Callable[..., None]]:
    """Let another transaction lock something, a deed begin, and the other lock something more."""
    other = Database(home.context.database.url)
    failures: list[Exception] = []

    def attempt(deed: Deed) -> None:
        try:
            deed()
        except Exception as error:
            failures.append(error)

    def is_waiting() -> bool:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        with home.context.database.reading() as connection:
            found = connection.scalar(text(f"{waiting} AND datname = current_database()"))
        return bool(found)

    def meet(first: Locks, deed: Deed, then: Locks) -> None:
        thread = threading.Thread(target=attempt, args=(deed,))

        def overlap() -> None:
            with other.writing() as connection:
                first(connection)
                thread.start()
                until(lambda: is_waiting() or not thread.is_alive())
                then(connection)

        attempt(overlap)
        thread.join(60)
        assert failures == [], told_of_deadlocks(other, shared_directory)

    yield meet
    other.close()


def resume(home: Installation) -> None:
    """Resume the series, as the owner."""
    context = home.context
    sequence_pause.resume(context.database, context.catalogue, SERIES, home.clock.now)


def pause(home: Installation) -> None:
    """Pause the series, as the owner, and let a worker find out."""
    context = home.context
    sequence_pause.pause(context.database, context.catalogue, SERIES, home.clock.now)
    home.deliver()


def sweep_up(home: Installation) -> None:
    """Take over from workers that were not heard of for a long time."""
    expire_leases(home)
    sweep.batches_due(home.context.dispatch)


def resuming(home: Installation) -> Deed:
    """Prepare a paused series, and return its resumption."""
    pause(home)
    return lambda: resume(home)


def settling(home: Installation) -> Deed:
    """Prepare messages in doubt, and return their settlement."""
    claim_and_begin(home)
    sweep_up(home)
    context = home.context
    assert {row["status"] for row in home.rows(messages)} >= {MessageStatus.IN_DOUBT}
    return lambda: doubts.settle_all(context.database, context.catalogue, False, home.clock.now)


def recovering(home: Installation) -> Deed:
    """Prepare claimed messages of enrolments that have ended, and return their recovery."""
    claim(home)
    with home.context.database.writing() as connection:
        numbers = enrolments.numbers_of(connection, [home.person(ANN)["id"]])
        enrolments.end_enrolments(connection, numbers, EnrolmentStatus.GOAL_REACHED, home.clock.now)
    return lambda: sweep_up(home)


def publishing(home: Installation) -> Deed:
    """Change the sending hours and every series, and return the publication of both."""
    library = shipped_library()
    changed = tuple(replace(s, toml=f"{s.toml}\n# Changed.\n") for s in library.sequences)
    hours = f'{library.practice_toml}\n[hours]\nopens = "09:10"\ncloses = "17:40"\n'
    library = replace(library, sequences=changed, practice_toml=hours)
    return lambda: files.publish(home.context.database, library, home.clock.now)


def dropping(home: Installation) -> Deed:
    """Prepare what a restore holds back, and return that it counts as sent."""
    context, number = home.context, home.enrolment(ANN)["id"]
    with context.database.writing() as connection:
        holds.hold(connection, [number], home.clock.now)
    return lambda: held.drop(context.database, context.catalogue, [number], home.clock.now)


@pytest.mark.parametrize("prepared", [resuming, settling, recovering, publishing, dropping])
def test_an_erasure_may_begin_while_something_else_changes_the_same_person(
    home: Installation,
    meet: Callable[..., None],
    prepared: Callable[[Installation], Deed],
) -> None:
    deed, ann = prepared(home), home.person(ANN)["id"]

    def erase(connection: Connection) -> None:
        locks.hold(connection, enrolments.of_subscriber(ann))
        personal.empty_people(connection, [ann])

    meet(lambda connection: personal.lock_people(connection, [ann]), deed, erase)
    assert ANN not in {row["address"] for row in home.everything()["subscribers"]}


def test_resuming_locks_whom_a_pause_only_excuses_in_the_same_order(
    home: Installation, meet: Callable[..., None]
) -> None:
    pause(home)
    ann, bob = (home.enrolment(address)["id"] for address in (ANN, BOB))
    with home.context.database.writing() as connection:
        # Publishing does so: she is excused as before, and no longer waits for the resumption.
        enrolments.look_at_once(connection, enrolments.of_enrolments([ann]), home.clock.now)
    assert ann < bob
    meet(
        lambda connection: locks.hold_numbered(connection, [ann]),
        lambda: resume(home),
        lambda connection: locks.hold_numbered(connection, [bob]),
    )


def test_a_worker_that_waits_for_a_pause_has_not_locked_the_account(
    home: Installation, meet: Callable[..., None]
) -> None:
    pause(home)
    resume(home)
    with home.context.database.writing() as connection:
        account.keep_hold(connection, rules.hold(Cause.RATE, "Later", home.clock.now))
    home.clock.advance(timedelta(days=1))
    meet(
        lambda connection: sequences.set_paused(connection, SERIES, home.clock.now),
        lambda: batch.deliver_batch(home.context.dispatch),
        lambda connection: account.find_hold(connection, lock=True),
    )


@pytest.mark.parametrize("backwards", [False, True])
def test_renewing_a_lease_waits_for_an_enrolment_before_it_locks_any_message(
    home: Installation, meet: Callable[..., None], backwards: bool
) -> None:
    name = claim_and_begin(home)
    claimed = [row["id"] for row in home.rows(messages) if row["claim"] == name]
    first, last = sorted(claimed, reverse=backwards)
    numbers = [home.enrolment(address)["id"] for address in (ANN, BOB)]
    sending = (MessageStatus.SENDING,)

    def renew() -> None:
        with home.context.database.writing() as connection:
            message_changes.renew(connection, name, home.clock.now)

    def change(number: int) -> Locks:
        return lambda c: message_changes.move_on(c, number, sending, MessageStatus.SENDING, "")

    def hold_and_change(connection: Connection) -> None:
        locks.hold_numbered(connection, numbers)
        change(last)(connection)

    meet(hold_and_change, renew, change(first))


@pytest.mark.parametrize("backwards", [False, True])
def test_forgetting_who_booked_leaves_a_booking_that_someone_else_has_locked(
    home: Installation, meet: Callable[..., None], backwards: bool
) -> None:
    book(home, ANN, "b1")
    book(home, BOB, "b2")
    booked = [row["id"] for row in home.rows(events) if row["booker"]]
    first, last = sorted(booked, reverse=backwards)

    def forget() -> None:
        with home.context.database.writing() as connection:
            bookings.forget_bookers(connection, home.clock.now + timedelta(days=1))

    def change(number: int) -> Locks:
        return lambda c: c.execute(update(events).where(events.c.id == number).values(raw={}))

    meet(change(last), forget, change(first))
    bookers = {row["id"]: row["booker"] for row in home.rows(events) if row["id"] in booked}
    assert bookers[first] is None
    assert bookers[last] is not None
