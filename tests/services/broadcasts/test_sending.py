"""A broadcast is sent once to everyone who agreed to it, and can be taken back."""

from dataclasses import replace
from datetime import time, timedelta

import pytest
from sqlalchemy import insert

from nurture.domain.broadcasts.broadcast import BroadcastStatus, SendTime, When
from nurture.domain.subscribers.consent import Evidence
from nurture.services.broadcasts import drafts, sending, writing
from nurture.services.broadcasts.drafts import BroadcastError
from nurture.services.broadcasts.sending import TooLateToUndoError
from nurture.services.delivery import batch, sweep
from nurture.services.publishing import email_editor
from nurture.services.publishing.files import CheckError
from nurture.services.publishing.studio import Written
from nurture.services.subscribers import on_behalf
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.services.broadcasts.readers import LETTER, draft, readers, received, send
from tests.vocabulary import ACCEPTED

FIVE_MINUTES = timedelta(minutes=5)


def test_a_broadcast_reaches_everyone_who_agreed_to_it_once(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    agreed = readers(home, 30)
    readers(home, 5, "articles")
    draft(home)
    send(home)
    home.live(hours=2)
    assert sorted(received(home)) == sorted(agreed)
    assert sorted(one.recipients[0] for one in smtp_sink.mails) == sorted(agreed)
    state = sending.find_state(home.context.database, "december")
    assert (state.broadcast.status, state.left, state.waiting) == ("finished", 30, 0)
    assert state.broadcast.counts["reached"] == 30


def test_who_leaves_after_getting_it_is_not_counted_among_those_who_did_not(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    [first, _] = readers(home, 2)
    draft(home)
    send(home)
    home.clock.advance(FIVE_MINUTES)
    batch.deliver_batch(home.context.dispatch)
    assert len(smtp_sink.mails) == 2
    person = home.person(first)["id"]
    on_behalf.stop_everything(*home.context.stored, person, Evidence(), home.clock.now)
    assert sending.find_state(home.context.database, "december").ends == {"completed": 2}


def test_nothing_leaves_for_five_minutes(home: Installation, smtp_sink: ScriptedSink) -> None:
    readers(home, 3)
    draft(home)
    send(home)
    home.live_until(home.clock.now + FIVE_MINUTES - timedelta(seconds=1))
    home.deliver()
    assert not smtp_sink.mails
    home.live(seconds=2)
    home.deliver()
    assert len(smtp_sink.mails) == 3


def test_undo_means_that_nobody_gets_it(home: Installation, smtp_sink: ScriptedSink) -> None:
    readers(home, 10)
    draft(home)
    send(home)
    home.clock.advance(timedelta(minutes=4))
    home.deliver()
    done = sending.undo(home.context.database, "december", home.clock.now)
    assert done.status is BroadcastStatus.DRAFT
    home.live(days=2)
    assert not smtp_sink.mails
    assert not home.rows(enrolments)


def test_what_was_undone_can_be_changed_and_sent_again(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    readers(home, 3)
    draft(home)
    send(home)
    sending.undo(home.context.database, "december", home.clock.now)
    drafts.change_draft(home.context.database, "december", title="Another name")
    send(home)
    home.live(hours=1)
    assert len(smtp_sink.mails) == 3


def test_undoing_twice_is_harmless_and_undoing_late_says_so(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    readers(home, 3)
    draft(home)
    send(home)
    sending.undo(home.context.database, "december", home.clock.now)
    sending.undo(home.context.database, "december", home.clock.now)
    send(home)
    home.clock.advance(FIVE_MINUTES)
    with pytest.raises(TooLateToUndoError, match="stop"):
        sending.undo(home.context.database, "december", home.clock.now)


def test_stopping_keeps_the_rest_back_and_resuming_sends_it_with_the_new_text(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    everyone = readers(home, 12)
    draft(home, word="tehe")
    send(home)
    home.clock.advance(FIVE_MINUTES)
    few = replace(home.context.dispatch, batch=5)

    sweep.batches_due(few)
    batch.deliver_batch(few)
    state = sending.stop(home.context.database, "december", home.clock.now)
    assert (state.left, state.waiting) == (5, 7)
    home.live(days=3)
    assert len(smtp_sink.mails) == 5
    mended = writing.DraftOptions(copied="december")
    writing.write(*home.context.stored, "december", mended, home.clock.now)

    key = "broadcast:december/email"
    editing = email_editor.find_editing(home.context.database, key)
    assert editing is not None
    text = Written(editing.written.format, LETTER.replace("{word}", "the"))
    email_editor.save_draft(home.context.database, key, text, editing.version, home.clock.now)
    sending.resume(*home.context.stored, "december", home.clock.now)
    home.live(hours=3)
    assert sorted(one.recipients[0] for one in smtp_sink.mails) == sorted(everyone)
    subjects = [one.message["Subject"] for one in smtp_sink.mails]
    assert subjects == ["What is new at tehe"] * 5 + ["What is new at the"] * 7
    revisions = {row["revision_id"] for row in home.rows(messages)}
    assert len(revisions) == 2


def test_those_who_leave_meanwhile_drop_out_with_their_reason(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    first, second, third = readers(home, 3)
    draft(home)
    send(home)

    person = home.person(second)["id"]
    on_behalf.stop_everything(*home.context.stored, person, Evidence(), home.clock.now)
    home.live(hours=2)
    assert sorted(received(home)) == [first, third]
    assert home.enrolment(second, "broadcast:december")["ended_because"] is not None


def test_sending_also_to_those_who_joined_since_adds_only_them(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    readers(home, 4)
    draft(home)
    send(home)
    home.live(hours=1)
    home.clock.advance(timedelta(days=2))
    later = ["late@example.org"]

    row = {**home.person("news0@example.org"), "address": later[0], "address_key": later[0]}
    row |= {"address_hash": home.context.tokens.address_hash(later[0])}
    with home.context.database.writing() as connection:
        connection.execute(insert(subscribers), [{k: v for k, v in row.items() if k != "id"}])
    sending.send_to_new(*home.context.stored, "december", home.clock.now)
    home.live(hours=1)
    assert [one.recipients[0] for one in smtp_sink.mails][4:] == later


def test_undoing_the_second_press_leaves_the_first_as_it_was(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    readers(home, 4)
    draft(home)
    send(home)
    home.live(hours=1)
    readers(home, 3, "news more")
    sending.send_to_new(*home.context.stored, "december", home.clock.now)
    home.deliver()
    sending.undo(home.context.database, "december", home.clock.now)
    home.live(hours=2)
    home.deliver()
    state = sending.find_state(home.context.database, "december")
    assert (state.left, state.waiting, state.broadcast.status) == (4, 0, "finished")


def test_a_broadcast_that_is_over_is_in_no_list_and_reaches_nobody_again(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    readers(home, 2)
    draft(home)
    send(home)
    home.live(hours=1)
    published = home.context.get_published()
    assert not published.broadcasts
    assert "broadcast:december" not in published.sequences
    assert published.titles["broadcast:december"] == "News of december"
    with pytest.raises(BroadcastError, match="sent already"):
        send(home)
    assert home.statuses("news0@example.org") == [("email", ACCEPTED)]


@pytest.mark.parametrize("name", ["confirm_url", "guide_url", "guide_title"])
def test_what_means_something_only_in_a_sequence_is_refused(
    sqlite_home: Installation, name: str
) -> None:
    home = sqlite_home
    readers(home, 1)
    draft(home, word=f"{{{{ {name} }}}}")
    with pytest.raises(CheckError, match=name):
        send(home)


def test_an_hour_outside_the_sending_hours_is_refused(sqlite_home: Installation) -> None:
    home = sqlite_home
    on = home.clock.now.date() + timedelta(days=3)
    draft(home, timing=SendTime(When.READERS, on=on, hour=time(23, 30)))
    with pytest.raises(BroadcastError, match="outside the hours"):
        send(home)
