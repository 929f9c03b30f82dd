"""The reason for a message's status is stored as a code and put into words for each reader."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from nurture.domain.messages.status import KEPT, MessageStatus
from nurture.domain.reasons import Code, Reason
from nurture.services.delivery import pause
from nurture.services.profile import page as person_page
from nurture.services.profile.explanation import Explanation, explain
from nurture.services.reports import status
from nurture.services.simulation.world import get_sequence, world_as_published
from nurture.services.subscribers import on_behalf
from nurture.services.subscribers.erasure import forget
from nurture.store import migrate
from nurture.store.database import Database
from nurture.store.queries.dashboard import held_up
from nurture.store.tables.message_changes import cancel_open, move_on, set_status
from nurture.store.tables.messages import find_message, messages
from tests.installation import Installation
from tests.store.older_database import NOW, Before, migrate_to

ANN = "ann@example.org"
FIRST = "why-stretching-and-massage-wont-solve-back-pain"


@pytest.fixture
def ann(home: Installation) -> Installation:
    """An installation in which Ann was sent her guide and has not collected it."""
    home.subscribe(ANN, first_name="Ann")
    home.deliver()
    return home


def set_row(home: Installation, **values: Any) -> None:
    """Write to the first message as an older release does, which knows no codes."""
    with home.context.database.writing() as connection:
        connection.execute(update(messages).where(messages.c.id == 1).values(**values))


def row(home: Installation) -> dict[str, Any]:
    return home.rows(messages)[0]


def explained(home: Installation) -> Explanation:
    context = home.context
    return explain(context.database, context.catalogue, ANN, home.clock.now)


def page(home: Installation) -> person_page.PersonPage:
    context = home.context
    seen = context.witness.seen()
    found = person_page.introduce(
        context.database,
        context.catalogue,
        1,
        home.clock.now,
        fingerprint=context.fingerprint,
        seen=seen,
    )
    assert found is not None
    return found


def notes(home: Installation) -> set[str]:
    """What the page explains of what happened."""
    return {note for chapter in page(home).story for note in chapter.notes}


def test_a_reason_is_stored_as_a_code_beside_the_text_that_the_last_release_reads(
    ann: Installation,
) -> None:
    set_row(ann, status=MessageStatus.CLAIMED)
    with ann.context.database.writing() as connection:
        cancel_open(connection, 1, Reason(Code.PREFERENCES_CHANGED))
    kept = row(ann)
    assert (kept["status"], kept["reason"]) == ("cancelled", "the preferences changed")
    assert kept["why"] == "preferences_changed"
    with ann.context.database.reading() as connection:
        found = find_message(connection, 1)
    assert found
    assert found.why == Reason(Code.PREFERENCES_CHANGED)
    assert "Because the preferences changed" in notes(ann)
    assert ": the preferences changed." in explained(ann).sent[0].sentence


def test_a_row_from_before_codes_shows_its_old_words(ann: Installation) -> None:
    set_row(ann, status="deferred", reason="the worker fell asleep", why=None, about=None)
    assert "Because the worker fell asleep" in notes(ann)
    assert ": the worker fell asleep." in explained(ann).sent[0].sentence
    with ann.context.database.reading() as connection:
        found = find_message(connection, 1)
    assert found
    assert (found.why, found.reason) == (None, "the worker fell asleep")


def test_what_a_process_of_the_last_release_writes_over_a_reason_is_what_counts(
    ann: Installation,
) -> None:
    with ann.context.database.writing() as connection:
        set_status(connection, [1], MessageStatus.DEFERRED, Reason(Code.WORKER_STOPPED_BEFORE))
    assert row(ann)["why"] == "worker_stopped_before"
    set_row(ann, status="failed", reason="550 no such user")
    assert "Because 550 no such user" in notes(ann)
    assert ": 550 no such user." in explained(ann).sent[0].sentence


def test_what_a_mail_server_says_takes_the_place_of_a_reason_of_ours(ann: Installation) -> None:
    with ann.context.database.writing() as connection:
        set_status(connection, [1], MessageStatus.DEFERRED, Reason(Code.BATCH_TOOK_TOO_LONG))
        deferred, failed = (MessageStatus.DEFERRED,), MessageStatus.FAILED
        assert move_on(connection, 1, deferred, failed, "550 no such user")
    kept = row(ann)
    assert (kept["reason"], kept["why"], kept["about"]) == ("550 no such user", None, None)


def test_a_code_of_a_newer_release_is_told_by_its_text(ann: Installation) -> None:
    about = {"text": "the moon was full"}
    set_row(ann, status="in_doubt", reason="the moon was full", why="full_moon", about=about)
    assert "Because the moon was full" in notes(ann)
    context, now = ann.context, ann.clock.now
    [doubt] = status.status(context.database, context.fingerprint, context.witness, now)["in_doubt"]
    assert doubt["why"] == "the moon was full"


def test_rows_with_and_without_a_code_wait_for_one_reason(ann: Installation) -> None:
    ann.subscribe("bob@example.org")
    ann.deliver()
    with ann.context.database.writing() as connection:
        set_status(connection, [1], MessageStatus.DEFERRED, Reason(Code.BATCH_TOOK_TOO_LONG))
        values = {"status": "deferred", "reason": "the batch took too long", "code": None}
        connection.execute(update(messages).where(messages.c.id == 2).values(values))
        connection.execute(update(messages).where(messages.c.id == 1).values(code=None))
    with ann.context.database.reading() as connection:
        [waiting] = held_up(connection)
    assert (waiting.reason, waiting.count) == ("the batch took too long", 2)


def test_an_erasure_leaves_no_reason(ann: Installation) -> None:
    with ann.context.database.writing() as connection:
        set_status(connection, [1], MessageStatus.DEFERRED, Reason(Code.BATCH_TOOK_TOO_LONG))
    forget(ann.context.database, ann.context.files, 1, ann.clock.now)
    kept = row(ann)
    assert (kept["reason"] or None, kept["why"], kept["about"]) == (None, None, None)


def test_the_page_names_by_titles_what_the_command_names_by_keys(ann: Installation) -> None:
    with ann.context.database.reading() as connection:
        world = world_as_published(connection, ann.context.catalogue)
    title = get_sequence(world, "pain-guide").title
    on_page, in_command = " ".join(page(ann).why_not_sooner), " ".join(explained(ann).sentences)
    assert "The guide of “pain-guide” has not been collected yet" in in_command
    assert f"The guide of “{title}” has not been collected yet" in on_page
    assert "“pain-guide”" not in on_page
    ann.collect()
    pause.pause(ann.context.database, ann.context.catalogue, "pain-guide", ann.clock.now)
    assert explained(ann).next == "No emails planned: “pain-guide” is paused."
    assert page(ann).nothing_comes == f"No emails planned: “{title}” is paused."
    on_behalf.take_out(ann.context.database, 1, "pain-guide", ann.clock.now)
    assert explained(ann).next == "No emails planned: you took them out of “pain-guide”."
    assert page(ann).nothing_comes == f"No emails planned: you took them out of “{title}”."


def test_the_page_names_an_email_that_waits_by_its_subject(ann: Installation) -> None:
    ann.collect()
    until = ann.clock.now + timedelta(days=20)
    on_behalf.pause(ann.context.database, 1, until, ann.clock.now)
    in_command = [one for one in explained(ann).why_not_sooner if "held back" in one]
    on_page = [one for one in page(ann).why_not_sooner if "held back" in one]
    assert in_command[0].startswith(f"“{FIRST}” is held back until")
    assert f"“{FIRST}”" not in " ".join(on_page)
    assert on_page[0].partition("” is held back")[2] == in_command[0].partition("” is held back")[2]


def test_an_old_database_keeps_its_words_and_gets_the_columns(empty_url: str) -> None:
    migrate_to(empty_url, "0018")
    before = Before(empty_url)
    person = before.person("ann")
    enrolment = before.enrolment(person, "active")
    revision = before.add(
        "revisions",
        kind="email",
        key="x/y",
        number=1,
        digest="d",
        author="",
        source="{}",
        compiled="{}",
        published_at=NOW,
    )
    for step, words in (("a", "they are paused"), ("b", KEPT)):
        before.add(
            "messages",
            enrolment_id=enrolment,
            subscriber_id=person,
            sequence="pain-guide",
            step=step,
            kind="article",
            occasion=1,
            revision_id=revision,
            status="cancelled",
            attempt=1,
            doubts=0,
            claim="c",
            due_at=NOW,
            claimed_at=NOW,
            reason=words,
        )
    migrate.migrate(empty_url)
    database = Database(empty_url)
    with database.reading() as connection:
        found = [find_message(connection, number) for number in (1, 2)]
    database.close()
    assert [(m.reason, m.why) for m in found if m] == [("they are paused", None), (KEPT, None)]
