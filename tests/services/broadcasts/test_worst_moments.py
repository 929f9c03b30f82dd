"""A broadcast keeps its promises when something dies or interferes at the worst moment."""

from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from nurture.domain.broadcasts.broadcast import (
    Audience,
    BroadcastStatus,
    SendTime,
    When,
    undone,
)
from nurture.domain.messages.email import EmailFormat
from nurture.services.broadcasts import drafts, freezing, sending
from nurture.services.broadcasts.sending import TooLateToUndoError
from nurture.services.delivery import batch, sweep
from nurture.services.delivery.stops import StopWatch
from nurture.services.publishing import segment_editor
from nurture.services.publishing.studio import Written
from nurture.store.tables import broadcasts, offers
from nurture.store.tables.drafts import save_draft
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.revisions import RevisionKind
from tests.faults.workers import expire_leases
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.services.broadcasts.readers import LETTER, draft, readers, received, send
from tests.vocabulary import claim_and_begin
from tests.web.broadcasting import join

FIVE_MINUTES = timedelta(minutes=5)


def waiting(home: Installation) -> int:
    """Return how many people await the broadcast."""
    return sending.find_state(home.context.database, "december").waiting


def undo_and_die(home: Installation) -> None:
    """Undo the broadcast, like a process that is killed before it has deleted the audience."""
    written = asdict(Written(EmailFormat.MARKDOWN, LETTER.replace("{word}", "our place")))
    numbers = {"version": 0, "based_on": 1}
    with home.context.database.writing() as connection:
        held = drafts.hold_existing(connection, "december")
        broadcasts.save_broadcast(connection, undone(held), frozen_to=broadcasts.EVERYONE)
        save_draft(
            connection, RevisionKind.EMAIL, held.email_key, written, now=home.clock.now, **numbers
        )


def test_a_process_that_is_late_takes_back_nothing_of_a_later_press(home: Installation) -> None:
    readers(home, 4)
    draft(home)
    send(home)
    seen = sending.undo(home.context.database, "december", home.clock.now)
    send(home)
    freezing.take_back(home.context.database, seen)
    assert waiting(home) == 4


def test_a_process_that_is_late_takes_back_all_that_a_later_undo_has_left(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    everyone = readers(home, 4)
    draft(home)
    send(home)
    seen = sending.undo(home.context.database, "december", home.clock.now)
    send(home)
    undo_and_die(home)
    freezing.take_back(home.context.database, seen)
    home.clock.advance(timedelta(hours=1))
    send(home)
    home.deliver()
    assert not smtp_sink.mails
    home.clock.advance(FIVE_MINUTES)
    home.deliver()
    assert sorted(received(home)) == sorted(everyone)


def test_a_draft_is_deleted_with_what_an_undo_has_left_of_its_audience(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    everyone = readers(home, 3)
    draft(home)
    send(home)
    undo_and_die(home)
    drafts.discard(home.context.database, "december")
    assert not home.rows(enrolments)
    home.clock.advance(timedelta(hours=1))
    draft(home)
    send(home)
    home.deliver()
    assert not smtp_sink.mails
    home.clock.advance(FIVE_MINUTES)
    home.deliver()
    assert sorted(received(home)) == sorted(everyone)


def test_what_has_begun_to_leave_is_not_undone_although_a_clock_is_set_back(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    readers(home, 3)
    draft(home)
    send(home)
    home.clock.advance(FIVE_MINUTES)
    batch.deliver_batch(replace(home.context.dispatch, batch=1))
    home.clock.advance(-timedelta(minutes=2))
    with pytest.raises(TooLateToUndoError):
        sending.undo(home.context.database, "december", home.clock.now)
    home.clock.advance(timedelta(hours=1))
    home.deliver()
    assert len(smtp_sink.mails) == 3


def test_the_first_press_is_not_undone_after_the_second_although_a_clock_is_set_back(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    readers(home, 3)
    draft(home)
    send(home)
    home.clock.advance(FIVE_MINUTES)
    home.deliver()
    join(home, "Carla")
    sending.send_to_new(*home.context.stored, "december", home.clock.now)
    again = sending.undo(home.context.database, "december", home.clock.now)
    assert (again.presses, again.counts["reached"], waiting(home)) == (1, 3, 0)
    home.clock.advance(-timedelta(minutes=2))
    with pytest.raises(TooLateToUndoError):
        sending.undo(home.context.database, "december", home.clock.now)
    assert sending.find_state(home.context.database, "december").left == 3


def test_a_press_that_reaches_nobody_can_be_undone_for_as_long_as_any(home: Installation) -> None:
    readers(home, 3, "articles")
    draft(home)
    send(home)
    sweep.batches_due(home.context.dispatch)
    done = sending.undo(home.context.database, "december", home.clock.now)
    assert done.status is BroadcastStatus.DRAFT
    send(home)
    home.clock.advance(FIVE_MINUTES)
    sweep.batches_due(home.context.dispatch)
    state = sending.find_state(home.context.database, "december")
    assert state.broadcast.status is BroadcastStatus.FINISHED


def test_an_audience_that_was_being_decided_for_an_undone_press_is_not_that_of_the_next(
    home: Installation,
) -> None:
    readers(home, 3)
    draft(home, timing=SendTime(When.AT, home.clock.now + timedelta(days=2)))
    first = send(home)
    sending.undo(home.context.database, "december", home.clock.now)
    drafts.change_draft(home.context.database, "december", audience=Audience(("ready-to-book",)))
    send(home)
    with home.context.database.writing() as connection:
        assert not broadcasts.note_frozen(connection, first, 0, 2, 2)


def test_the_rest_are_sent_although_a_segment_is_gone_since_the_audience_was_decided(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    readers(home, 3)
    draft(home, audience=Audience((), ("ready-to-book",)))
    send(home)
    sending.stop(home.context.database, "december", home.clock.now)
    context = home.context
    segment_editor.delete(context.database, context.catalogue, "ready-to-book", home.clock.now)
    sending.resume(*home.context.stored, "december", home.clock.now)
    home.clock.advance(FIVE_MINUTES)
    home.deliver()
    assert len(smtp_sink.mails) == 3


def test_a_batch_that_was_under_way_at_a_stop_sends_nothing_more_after_the_resumption(
    home: Installation,
) -> None:
    readers(home, 1)
    draft(home)
    number = send(home).id
    watch = StopWatch.over(home.context.database, [number])
    assert not watch.has_stopped(number)
    sending.stop(home.context.database, "december", home.clock.now)
    sending.resume(*home.context.stored, "december", home.clock.now)
    later = StopWatch.over(home.context.database, [number])
    assert not later.has_stopped(number)
    until_looked_again = replace(watch, _looked_at=0.0)
    assert until_looked_again.has_stopped(number)


def test_every_change_of_a_broadcast_is_noticed_whatever_becomes_of_drafts(
    home: Installation,
) -> None:
    """Another process looks in the end only."""
    readers(home, 1)
    draft(home, "first")
    drafts.change_draft(home.context.database, "first", title="Changed")
    draft(home)
    send(home)
    other = home.another()
    assert "broadcast:december" not in other.get_published().stopped
    drafts.discard(home.context.database, "first")
    draft(home, "second")
    sending.stop(home.context.database, "december", home.clock.now)
    assert "broadcast:december" in other.get_published().stopped
    other.database.close()


def test_what_a_killed_worker_may_have_sent_counts_as_of_broadcasts_while_a_domain_is_new(
    home: Installation,
) -> None:
    readers(home, 3)
    draft(home)
    begun = home.clock.now
    send(home)
    home.clock.advance(FIVE_MINUTES)
    claim_and_begin(home)
    expire_leases(home)
    sweep.batches_due(home.context.dispatch)
    with home.context.database.reading() as connection:
        assert offers.count_of_broadcasts(connection, begun) == 3
