"""The dashboard: the owner's first page states the facts."""

from datetime import date, timedelta

from nurture.domain.messages.status import MessageStatus
from nurture.services.delivery import doubts, pause
from nurture.services.reports import dashboard as first_page
from nurture.services.reports.dashboard import Overview
from nurture.store.queries import dashboard
from nurture.store.queries.dashboard import Looks
from nurture.store.tables import messages
from tests.installation import Installation, calendly_call
from tests.installations import ScriptedSink


def oversee(home: Installation) -> Overview:
    context = home.context
    return first_page.oversee(
        context.database,
        context.catalogue,
        context.fingerprint,
        context.witness.seen(),
        home.clock.now,
    )


def coming(home: Installation) -> dict[date, int]:
    return {day.on: day.count for day in oversee(home).coming if day.count}


def test_an_empty_dashboard_has_nothing_to_report_and_needs_no_action(home: Installation) -> None:
    seen = oversee(home)
    assert seen.needs.count == 0
    assert (seen.week.signed_up, seen.week.sent, seen.week.booked, seen.week.left) == (0, 0, 0, 0)
    assert [day.count for day in seen.coming] == [0] * 7
    assert [count for _, count in seen.sent_by_day] == [0] * 14
    assert seen.sent_by_day[-1][0] == home.clock.now.date()


def test_the_dashboard_counts_what_happened_this_week(home: Installation) -> None:
    for name in ("alice", "ben", "carla"):
        home.subscribe(f"{name}@example.org", first_name=name.title())
    home.deliver()
    home.collect(1)
    home.live(hours=2)
    assert calendly_call(home, "invitee.created", "ben@example.org", "b1").status_code < 300
    seen = oversee(home)
    assert (seen.week.signed_up, seen.week.sent, seen.week.booked) == (3, 3, 1)
    assert [one.name for one in seen.signups] == ["Carla", "Ben", "Alice"]
    assert [one.address for one in seen.bookings] == ["ben@example.org"]
    assert seen.sent_by_day[-1][1] == 3
    assert [(one.step, one.count) for one in seen.sent_emails] == [("your-guide", 3)]
    assert "guide" in seen.sent_emails[0].subject.lower()


def test_events_older_than_a_week_no_longer_count(home: Installation) -> None:
    home.subscribe("alice@example.org")
    home.deliver()
    home.clock.advance(timedelta(days=7, minutes=1))
    assert (oversee(home).week.signed_up, oversee(home).week.sent) == (0, 0)


def test_the_forecast_for_the_coming_week_comes_true(home: Installation) -> None:
    for name in ("alice", "ben"):
        home.subscribe(f"{name}@example.org")
    home.deliver()
    home.collect(1)
    home.collect(2)
    home.deliver()
    [(day, count)] = coming(home).items()
    assert count == 2
    sent_before = len(home.rows(messages.messages))
    while home.clock.now.date() < day:
        home.live(days=1)
    home.live(hours=12)
    assert len(home.rows(messages.messages)) == sent_before + 2


def test_an_email_due_immediately_is_on_todays_list(home: Installation) -> None:
    home.subscribe("alice@example.org")
    today = oversee(home).coming[0]
    assert [(email.step, email.count) for email in today.emails] == [("your-guide", 1)]


def test_the_dashboard_names_the_holidays(home: Installation) -> None:
    home.clock.advance(timedelta(days=29))  # The last days of March 2026; Easter is near.
    holidays = [day.on for day in oversee(home).coming if day.holiday]
    assert holidays == [date(2026, 4, 3), date(2026, 4, 6)]


def test_scheduled_looks_are_grouped_by_sequence_and_progress(home: Installation) -> None:
    for name in ("alice", "ben", "carla"):
        home.subscribe(f"{name}@example.org")
    with home.context.database.reading() as connection:
        found = dashboard.looks_within(connection, None, home.clock.now + timedelta(seconds=1))
        none = dashboard.looks_within(
            connection, home.clock.now + timedelta(days=1), home.clock.now
        )
    assert found == [Looks("pain-guide", frozenset(), False, True, 3)]
    assert none == []


def test_a_message_in_doubt_needs_the_owner_until_it_is_settled(home: Installation) -> None:
    home.subscribe("alice@example.org", first_name="Alice")
    home.deliver()
    with home.context.database.writing() as connection:
        messages.move_on(connection, 1, (MessageStatus.ACCEPTED,), MessageStatus.IN_DOUBT, "cut")
    [doubt] = oversee(home).needs.doubts
    assert (doubt.name, doubt.step, oversee(home).needs.count) == ("Alice", "your-guide", 1)
    doubts.settle(home.context.database, home.context.catalogue, 1, True, home.clock.now)
    assert oversee(home).needs.count == 0


def test_a_refused_address_is_not_also_listed_as_a_refused_message(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    smtp_sink.refuse("alice@example.org")
    home.subscribe("alice@example.org")
    home.deliver()
    needs = oversee(home).needs
    assert len(needs.refused) + len(needs.refused_mails) == 1
    assert needs.count == 1


def test_the_dashboard_reports_an_unavailable_mail_server(home: Installation) -> None:
    away = Installation(home.url, home.directory, home.clock, "smtp://127.0.0.1:9")
    home.subscribe("alice@example.org")
    away.deliver()
    [held] = oversee(home).needs.held_up
    assert held.count == 1
    assert "cannot be reached" in held.reason
    away.close()


def test_the_dashboard_reports_people_whose_emails_are_late(home: Installation) -> None:
    home.subscribe("alice@example.org")
    assert oversee(home).needs.late == 0
    home.clock.advance(timedelta(minutes=11))
    assert oversee(home).needs.late == 1


def test_the_dashboard_names_paused_sequences_and_an_unarmed_copy(home: Installation) -> None:
    context = home.context
    home.subscribe("alice@example.org")
    home.deliver()
    pause.pause(context.database, context.catalogue, "pain-guide", home.clock.now)
    assert oversee(home).needs.paused == ["pain-guide"]
    copy = first_page.oversee(context.database, context.catalogue, "another", 0, home.clock.now)
    assert not copy.needs.armed
    assert copy.needs.count == 2


def test_the_missing_details_are_taken_from_what_is_published(home: Installation) -> None:
    missing = oversee(home).to_fill_in
    assert set(missing.fields) == {"blog_url", "booking_url", "privacy_url"}
    assert "When can I stop doing my rehab exercises?" in missing.articles
    assert not [title for title in missing.articles if "massage" in title]
