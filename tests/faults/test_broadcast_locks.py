"""A stop, an undo or a resumption meets a worker's claim at its worst moment, on PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text, update

from nurture.clock import real_now
from nurture.domain.account import hold as rules
from nurture.domain.broadcasts.broadcast import Broadcast, stopped
from nurture.domain.messages.refusal import Cause
from nurture.services.broadcasts import drafts, sending
from nurture.services.broadcasts.sending import TooLateToUndoError
from nurture.services.delivery import batch
from nurture.services.delivery.claim import claim_due
from nurture.services.publishing import email_editor
from nurture.services.publishing.studio import Written
from nurture.store.database import Database
from nurture.store.queries import locks
from nurture.store.tables import account, account_limits, broadcast_enrolments, broadcasts
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import RevisionKind, find_newest
from tests.faults.deadlocks import told_of_deadlocks
from tests.faults.oracle import Oracle
from tests.faults.workers import until
from tests.installation import Installation
from tests.servers.clock import ClockFile
from tests.services.broadcasts.readers import LETTER, draft, readers, send

KEY = "december"

FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture
def home(
    postgresql_url: str, tmp_path: Path, clock_file: ClockFile, oracle: Oracle
) -> Iterator[Installation]:
    """An installation in which a broadcast to three people is due."""
    home = Installation(postgresql_url, tmp_path, clock_file, oracle.url).publish_shipped()
    readers(home, 3)
    draft(home, word="tehe")
    send(home)
    home.clock.advance(FIVE_MINUTES)
    yield home
    home.close()


@pytest.fixture
def other(home: Installation) -> Iterator[Database]:
    """Another process's connections."""
    database = Database(home.context.database.url)
    yield database
    database.close()


def count_waiting(database: Database) -> int:
    """Return how many transactions wait for another."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
    with database.reading() as connection:
        return int(connection.scalar(text(f"{waiting} AND datname = current_database()")) or 0)


def begin(home: Installation, deed: Callable[[], object]) -> Callable[[], object]:
    """Begin a deed, which waits for what the caller has locked; return how to get its outcome."""
    outcomes: list[object] = []

    def attempt() -> None:
        try:
            outcomes.append(deed())
        except Exception as error:
            outcomes.append(error)

    def outcome() -> object:
        thread.join(60)
        [outcome] = outcomes
        return outcome

    database = home.context.database
    before = count_waiting(database)
    thread = threading.Thread(target=attempt)
    thread.start()
    until(lambda: count_waiting(database) > before or not thread.is_alive())
    return outcome


def stop(home: Installation) -> sending.BroadcastState:
    """Stop the broadcast."""
    return sending.stop(home.context.database, KEY, home.clock.now, wait=5)


def hold_account(home: Installation) -> None:
    """Let a mail account be on hold until now, so that the next batch is a probe."""
    with home.context.database.writing() as connection:
        held = rules.hold(Cause.RATE, "Later", home.clock.now - timedelta(days=1))
        account.keep_hold(connection, held)


def claim_slowly(home: Installation, other: Database, deed: Callable[[], object]) -> object:
    """Claim what is due, with a deed that begins before the claim is committed; its outcome."""
    context, now = home.context, home.clock.now
    with other.writing() as connection:
        going = broadcasts.sending(connection, claiming=True)
        published = context.catalogue.current(connection)
        claim_due(connection, published, now, real_now(), 100, going=going)
        outcome = begin(home, deed)
    return outcome()


def test_a_stop_waits_for_a_claim_that_is_being_made_and_takes_back_all_of_it(
    home: Installation, other: Database, oracle: Oracle
) -> None:
    state = claim_slowly(home, other, lambda: stop(home))
    assert isinstance(state, sending.BroadcastState)
    assert (state.left, state.on_connection, state.waiting) == (0, 0, 3)
    assert {row["status"] for row in home.rows(messages)} == {"cancelled"}
    home.deliver()
    assert oracle.count() == 0


def test_an_undo_waits_for_a_claim_that_is_being_made_and_says_that_it_is_late(
    home: Installation, other: Database
) -> None:
    """The clock of the process that undoes is behind that of the worker."""
    behind = home.clock.now - timedelta(minutes=1)
    outcome = claim_slowly(home, other, lambda: sending.undo(other, KEY, behind))
    assert isinstance(outcome, TooLateToUndoError)


@pytest.mark.parametrize("probing", [False, True])
def test_a_claim_that_waits_for_a_stop_claims_nothing_of_it(
    home: Installation, other: Database, oracle: Oracle, probing: bool
) -> None:
    if probing:
        hold_account(home)
    with other.writing() as connection:
        held = drafts.hold_existing(connection, KEY)
        outcome = begin(home, lambda: batch.deliver_batch(home.context.dispatch))
        broadcasts.save_broadcast(connection, stopped(held, home.clock.now))
    assert isinstance(outcome(), batch.Delivered)
    assert (home.rows(messages), oracle.count()) == ([], 0)


def test_a_claim_that_waits_for_a_stop_has_not_locked_the_account(
    home: Installation, other: Database, shared_directory: Path
) -> None:
    limited = home.another(NURTURE_LIMIT_HOUR="400")
    with other.writing() as connection:
        drafts.hold_existing(connection, KEY)
        outcome = begin(home, lambda: batch.deliver_batch(limited.dispatch))
        account_limits.hold_account(connection)
    done = outcome()
    limited.dispatch.mailer.close()
    limited.database.close()
    assert isinstance(done, batch.Delivered), told_of_deadlocks(other, shared_directory)


def test_what_is_resumed_while_a_worker_begins_to_claim_leaves_with_the_corrected_text(
    home: Installation, other: Database, oracle: Oracle
) -> None:
    stop(home)
    home.subscribe("ann@example.org")  # So that there is something to claim.
    email = f"broadcast:{KEY}/email"
    editing = email_editor.find_editing(other, email)
    assert editing is not None
    mended = Written(editing.written.format, LETTER.replace("{word}", "the"))
    email_editor.save_draft(other, email, mended, editing.version, home.clock.now)
    worker = home.another()
    resumed: list[Broadcast] = []

    def resume_first(_: object, __: object, statement: str, *more: object) -> None:
        if "FOR SHARE" in statement and "FROM broadcasts" in statement and not resumed:
            resumed.append(sending.resume(other, home.context.catalogue, KEY, home.clock.now))

    event.listen(worker.database.engine, "before_cursor_execute", resume_first)
    batch.deliver_batch(worker.dispatch)
    worker.dispatch.mailer.close()
    worker.database.close()
    sent = [row for row in home.rows(messages) if row["sequence"] == f"broadcast:{KEY}"]
    assert resumed and len(sent) == 3 and oracle.count() == 4
    with other.reading() as connection:
        newest = find_newest(connection, RevisionKind.EMAIL, email)
    assert newest is not None and {row["revision_id"] for row in sent} == {newest.id}


@pytest.mark.parametrize("taking_back", [False, True])
def test_an_audience_is_put_in_order_and_taken_back_in_the_order_in_which_everyone_locks(
    home: Installation, other: Database, shared_directory: Path, taking_back: bool
) -> None:
    rows = [row for row in home.rows(enrolments) if row["sequence"] == f"broadcast:{KEY}"]
    first, *_, last = sorted(rows, key=lambda row: int(row["id"]))
    found, due = drafts.get_broadcast(other, KEY), home.clock.now
    with other.writing() as connection:  # As if they had come in the other order.
        for person, number in ((0, first["id"]), (first["subscriber_id"], last["id"])):
            change = update(enrolments).where(enrolments.c.id == number)
            connection.execute(change.values(sequence=f"broadcast:{KEY}{person}"))
        for person, row in ((last["subscriber_id"], first), (first["subscriber_id"], last)):
            change = update(enrolments).where(enrolments.c.id == row["id"])
            called = {"subscriber_id": person, "sequence": f"broadcast:{KEY}"}
            connection.execute(change.values(called))

    def change_all() -> None:
        looks = {row["subscriber_id"]: due for row in rows}
        with home.context.database.writing() as connection:
            if taking_back:
                broadcast_enrolments.remove_readers(connection, found)
            else:
                broadcast_enrolments.put_in_order(connection, found, looks)

    with other.writing() as connection:
        locks.hold_numbered(connection, [first["id"]])
        outcome = begin(home, change_all)
        locks.hold_numbered(connection, [last["id"]])
    assert outcome() is None, told_of_deadlocks(other, shared_directory)


def test_a_stop_comes_before_the_claims_that_begin_while_it_waits(
    home: Installation, other: Database
) -> None:
    """Otherwise many workers whose claims overlap would keep it waiting for as long as they do."""
    third = Database(other.url)
    with other.writing() as connection:
        broadcasts.sending(connection, claiming=True)
        outcome = begin(home, lambda: stop(home))
        later = begin(home, lambda: _going(third))
    assert isinstance(outcome(), sending.BroadcastState)
    assert later() == []
    third.close()


def _going(database: Database) -> list[int]:
    with database.writing() as connection:
        return broadcasts.sending(connection, claiming=True)
