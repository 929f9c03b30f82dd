"""Provider events are stored once and acted on immediately."""

import threading
from datetime import UTC, datetime

import pytest

from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.tracking.events import BookingEvent, EventKind, MailEvent
from nurture.services.inbound.events import record_bookings, record_mail_events
from nurture.services.profile.explanation import explain
from nurture.services.profile.timeline import recount
from nurture.services.subscribers.export import export
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.message_changes import move_on
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.vocabulary import (
    ACCEPTED,
    ANN,
    FIRST,
    GUIDE,
    book,
    on_the_way_to_the_first_article,
    report_event,
)

BOUNCED, COMPLAINED = MessageStatus.BOUNCED, MessageStatus.COMPLAINED
DELIVERED, IN_DOUBT = MessageStatus.DELIVERED, MessageStatus.IN_DOUBT


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_an_impossible_time_becomes_the_time_of_receipt_and_breaks_no_page(
    home: Installation, year: int
) -> None:
    home.subscribe(ANN)
    at, context = datetime(year, 1, 1, tzinfo=UTC), home.context
    kinds = (EventKind.DEFERRED, EventKind.BOUNCED, EventKind.COMPLAINED)
    told = [
        MailEvent(kind, "generic", kind, at, ANN, None, True, "550 No such user", {})
        for kind in kinds
    ]
    args = (context.database, context.catalogue, context.tokens)
    assert record_mail_events(*args, told, home.clock.now) == 3
    booking = BookingEvent("calendly", "b", at, ANN, True, False, False, None, {})
    assert record_bookings(*args, [booking], home.clock.now) == 1
    assert {row["happened_at"] for row in home.rows(events)} == {home.clock.now}
    assert {row["since"] for row in home.rows(suppressions)} == {home.clock.now}
    assert explain(context.database, context.catalogue, ANN, home.clock.now).next
    record = export(context.database, context.catalogue, 1, home.clock.now)
    assert record and recount(record, {})


@pytest.fixture
def under_way(home: Installation) -> Installation:
    """Ann has collected her guide and awaits her first article."""
    on_the_way_to_the_first_article(home, ANN)
    return home


def test_a_delivery_event_marks_the_message_delivered(under_way: Installation) -> None:
    assert report_event(under_way, EventKind.DELIVERED, message=1) == 1
    assert under_way.statuses(ANN) == [(GUIDE, DELIVERED)]
    event = under_way.rows(events)[-1]
    assert (event["kind"], event["message_id"], event["subscriber_id"]) == ("delivered", 1, 1)
    assert event["raw"] == {"type": "delivered"}


def test_a_permanent_bounce_suppresses_the_address_and_ends_the_sequence(
    under_way: Installation, smtp_sink: ScriptedSink
) -> None:
    report_event(under_way, EventKind.BOUNCED, message=1, permanent=True)
    assert under_way.statuses(ANN) == [(GUIDE, BOUNCED)]
    assert under_way.enrolment(ANN)["status"] == EnrolmentStatus.SUPPRESSED
    assert [row["reason"] for row in under_way.rows(suppressions)] == ["bounced"]
    under_way.live(days=90)
    assert len(smtp_sink.mails) == 1


def test_a_temporary_bounce_does_not_change_the_sequence(under_way: Installation) -> None:
    report_event(under_way, EventKind.BOUNCED, message=1, permanent=False)
    assert under_way.statuses(ANN) == [(GUIDE, ACCEPTED)]
    assert under_way.rows(suppressions) == []
    assert under_way.rows(events)[-1]["kind"] == "bounced"


def test_a_complaint_suppresses_immediately_even_after_delivery(under_way: Installation) -> None:
    report_event(under_way, EventKind.DELIVERED, message=1)
    report_event(under_way, EventKind.COMPLAINED, message=1, event_id="e2")
    assert under_way.statuses(ANN) == [(GUIDE, COMPLAINED)]
    assert under_way.enrolment(ANN)["status"] == EnrolmentStatus.SUPPRESSED
    assert [row["reason"] for row in under_way.rows(suppressions)] == ["complained"]


@pytest.mark.parametrize("kind", [EventKind.OPENED, EventKind.CLICKED, EventKind.DEFERRED, None])
def test_an_event_that_needs_no_action_is_recorded_and_changes_nothing_else(
    under_way: Installation, kind: EventKind | None
) -> None:
    before = under_way.everything()
    assert report_event(under_way, kind, message=1) == 1
    after = under_way.everything()
    assert after.pop("events")[-1]["kind"] == (kind or "unknown")
    before.pop("events")
    assert after == before


def test_an_event_out_of_order_never_moves_a_message_back(under_way: Installation) -> None:
    report_event(under_way, EventKind.BOUNCED, message=1, permanent=True)
    report_event(under_way, EventKind.DELIVERED, message=1, event_id="e2")
    assert under_way.statuses(ANN) == [(GUIDE, BOUNCED)]


def test_the_same_event_reported_ten_times_at_once_is_recorded_once(
    under_way: Installation,
) -> None:
    counted: list[int] = []

    def work() -> None:
        counted.append(report_event(under_way, EventKind.BOUNCED, message=1, permanent=True))

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(counted) == [0] * 9 + [1]
    assert len(under_way.rows(suppressions)) == 1


def test_a_reported_delivery_settles_the_doubt_about_a_guide(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN)
    home.deliver()
    with home.context.database.writing() as connection:
        move_on(connection, 1, [ACCEPTED], IN_DOUBT, "")
    report_event(home, EventKind.DELIVERED, message=1)
    assert home.statuses(ANN) == [(GUIDE, DELIVERED)]
    home.live(days=1)
    assert len(smtp_sink.mails) == 1


def test_a_permanent_bounce_suppresses_an_unknown_address_too(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    report_event(home, EventKind.BOUNCED, recipient="Ann@Example.org", permanent=True)
    assert home.rows(events)[0]["subscriber_id"] is None
    home.subscribe(ANN)
    home.deliver()
    assert smtp_sink.mails == []


def test_an_event_about_an_unknown_person_and_message_is_recorded(home: Installation) -> None:
    assert report_event(home, EventKind.BOUNCED, permanent=True) == 1
    assert report_event(home, EventKind.DELIVERED, message=4711, event_id="e2") == 1
    assert [row["message_id"] for row in home.rows(events)] == [None, None]
    assert home.rows(suppressions) == []


def test_a_forged_message_id_affects_no_message(under_way: Installation) -> None:
    context = under_way.context
    forged = MailEvent(
        EventKind.BOUNCED,
        "generic",
        "e1",
        under_way.clock.now,
        None,
        f"1.{'0' * 24}@human-movement.com",
        True,
        "",
        {},
    )
    record_mail_events(
        context.database, context.catalogue, context.tokens, [forged], under_way.clock.now
    )
    assert under_way.statuses(ANN) == [(GUIDE, ACCEPTED)]


def test_a_booking_ends_every_enrolment_with_that_goal(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN)
    home.subscribe(ANN, "over-50-guide")
    home.deliver()
    home.collect()
    assert book(home, "ANN@Example.org") == 1
    assert {row["status"] for row in home.enrolments_of(ANN)} == {EnrolmentStatus.GOAL_REACHED}
    home.live(days=90)
    assert len(smtp_sink.mails) == 2


def test_a_booking_does_not_affect_other_people(under_way: Installation) -> None:
    under_way.subscribe("bob@example.org")
    book(under_way, ANN)
    book(under_way, "somebody@example.org", "b2")
    book(under_way, None, "b3")
    assert under_way.enrolment("bob@example.org")["status"] == EnrolmentStatus.ACTIVE
    assert [row["subscriber_id"] for row in under_way.rows(events)[-3:]] == [1, None, None]


def test_a_booking_reported_twice_counts_once(under_way: Installation) -> None:
    assert (book(under_way, ANN), book(under_way, ANN)) == (1, 0)
    assert [row["kind"] for row in under_way.rows(events)].count("booked") == 1


def test_a_cancelled_or_moved_session_restarts_nothing(
    under_way: Installation, smtp_sink: ScriptedSink
) -> None:
    book(under_way, ANN)
    book(under_way, ANN, "b2", booked=False, cancelled=True)
    book(under_way, ANN, "b3", rescheduled=True)
    under_way.live(days=90)
    assert under_way.enrolment(ANN)["status"] == EnrolmentStatus.GOAL_REACHED
    assert len(smtp_sink.mails) == 1
    assert [row["kind"] for row in under_way.rows(events)].count("booked") == 1


def test_a_booking_cancels_a_message_that_is_already_claimed(
    under_way: Installation, smtp_sink: ScriptedSink
) -> None:
    from nurture.clock import real_now
    from nurture.services.delivery.claim import claim_due

    context = under_way.context
    with context.database.writing() as connection:
        published = context.catalogue.current(connection)
        claim_due(connection, published, under_way.clock.now, real_now(), 10)
    book(under_way, ANN)
    assert under_way.statuses(ANN)[1] == (FIRST, MessageStatus.CANCELLED)
    under_way.live(days=90)
    assert len(smtp_sink.mails) == 1
    assert under_way.rows(enrolments)[0]["status"] == EnrolmentStatus.GOAL_REACHED
