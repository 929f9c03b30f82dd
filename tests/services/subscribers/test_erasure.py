"""Erasure: whatever a person's state, nothing personal of theirs remains anywhere."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from nurture.domain.messages.status import MessageStatus
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.tracking.events import EventKind
from nurture.services.subscribers import erasure, export, preferences
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.presence import at_least_one
from tests.vocabulary import book, clicks, report_event

ANN, BOB, NAME = "ann.unmistakable@example.org", "bob@example.org", "Annabella"


def forget(home: Installation, number: int = 1) -> bool:
    context = home.context
    return erasure.forget(context.database, context.files, number, home.clock.now)


def left_of_ann(home: Installation) -> list[str]:
    """Return the tables that still mention her; text written by the owner does not count."""
    return [
        name
        for name, rows in home.everything().items()
        if any(trace in repr(rows).lower() for trace in ("unmistakable", "annabella"))
    ]


def unsubscribe(home: Installation) -> None:
    context = home.context
    evidence = Evidence("https://emails.example.org/", "192.0.2.7", "annabella’s phone")
    preferences.unsubscribe(context.database, context.catalogue, 1, None, evidence, home.clock.now)


def bounce(home: Installation) -> None:
    report_event(home, EventKind.BOUNCED, message=1, recipient=ANN, permanent=True)


@pytest.mark.parametrize("before", [lambda _: None, Installation.collect, unsubscribe, bounce])
def test_erasure_removes_everything_about_a_person_whatever_their_state(
    home: Installation, before: Callable[[Installation], None]
) -> None:
    home.subscribe(ANN, first_name=NAME)
    home.deliver()
    before(home)
    assert left_of_ann(home) != []
    assert forget(home)
    assert left_of_ann(home) == []
    assert [row["reason"] for row in home.rows(suppressions)] == ["erased"]
    assert not forget(home)


def test_erasing_one_person_leaves_the_other(home: Installation, smtp_sink: ScriptedSink) -> None:
    home.subscribe(BOB)
    home.subscribe(ANN)
    forget(home, home.person(ANN)["id"])
    home.deliver()
    assert [mail.recipients for mail in smtp_sink.mails] == [(BOB,)]
    assert home.person(BOB)["address_key"] == BOB


def test_erasure_removes_events_from_before_the_person_signed_up(home: Installation) -> None:
    row = {
        "kind": "bounced",
        "happened_at": home.clock.now,
        "source": "generic",
        "raw": {"to": ANN.upper()},
        "source_key": "generic:1",
    }
    others = row | {"raw": {"to": BOB}, "source_key": "generic:2"}
    with home.context.database.writing() as connection:
        connection.execute(events.insert(), [row, others])
    home.subscribe(ANN)
    forget(home)
    assert left_of_ann(home) == []
    assert {"to": BOB} in [row["raw"] for row in home.rows(events)]


def test_events_after_an_erasure_are_counted_without_personal_data(home: Installation) -> None:
    home.subscribe(ANN)
    home.deliver()
    forget(home)
    report_event(home, EventKind.BOUNCED, message=1, recipient=ANN, permanent=True, event_id="late")
    report_event(home, EventKind.DELIVERED, recipient=ANN, event_id="later")
    book(home, ANN, raw={"email": ANN, "name": NAME})
    assert left_of_ann(home) == []
    assert [row["kind"] for row in home.rows(events)] == ["bounced", "delivered", "booked"]
    assert home.rows(messages)[0]["reason"] == ""
    assert home.rows(messages)[0]["status"] == MessageStatus.BOUNCED


def test_nobody_is_erased_while_an_email_to_them_is_being_sent(home: Installation) -> None:
    home.subscribe(ANN)
    home.deliver()
    sending = update(messages).values(status=MessageStatus.SENDING)
    with home.context.database.writing() as connection:
        connection.execute(sending)
    before = home.everything()
    with pytest.raises(erasure.BeingMailedError, match="sent just now"):
        forget(home)
    assert home.everything() == before


def test_an_export_names_only_the_interests_covered_by_consent(
    home: Installation,
) -> None:
    home.subscribe(ANN, "over-50-guide")
    clicks(home, ANN, 2)
    with home.context.database.writing() as connection:
        connection.execute(update(events).values(topics={"golf", "back-pain"}))
    context = home.context
    record = export.export(context.database, context.catalogue, 1, home.clock.now)
    assert record is not None
    assert record["interests"] == [{"topic": "golf", "score": 6.0}]
    assert record["events"][0]["topics"] == ["back-pain", "golf"]


def test_unconfirmed_signups_are_erased_once_even_by_several_workers(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    for n in range(30):
        home.subscribe(f"p{n}@example.org")
    home.clock.advance(timedelta(days=31))
    contexts = [home.another() for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        gone = pool.map(
            lambda context: erasure.let_go_unconfirmed(
                context.database, context.files, home.clock.now
            ),
            contexts,
        )
    assert sum(gone) == 30
    assert all(
        row["erased"] and row["address"] is None for row in at_least_one(home.rows(subscribers))
    )
    for context in contexts:
        context.database.close()
