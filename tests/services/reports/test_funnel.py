"""The results of each step's emails, on both kinds of database."""

from datetime import datetime, timedelta

import pytest

from nurture.domain.subscribers.consent import Evidence
from nurture.domain.tracking.events import BookingEvent, EventKind, MailEvent
from nurture.domain.tracking.verdict import Hit
from nurture.services.delivery.pause import UnknownSequenceError
from nurture.services.inbound.events import record_bookings, record_mail_events
from nurture.services.reports.funnel import (
    Course,
    Funnel,
    FunnelStep,
    Period,
    follow_course,
    list_courses,
)
from nurture.services.subscribers import preferences
from nurture.services.tracking.lines import SeenHit
from nurture.store.queries.funnel import Figures
from nurture.store.tables import events
from tests.installation import Installation

ANN, BOB, CARA = "ann@example.org", "bob@example.org", "cara@example.org"
GUIDE, FIRST = "your-guide", "why-stretching-and-massage-wont-solve-back-pain"


def course(home: Installation, period: Period = Period.MONTH, key: str = "pain-guide") -> Course:
    """Return the results of a sequence."""
    context = home.context
    return follow_course(context.database, context.catalogue, key, period, home.clock.now)


def stage(home: Installation, email: str = FIRST, period: Period = Period.MONTH) -> FunnelStep:
    """Return the results of one of its steps."""
    found = course(home, period)
    return next(one for one in (*found.stages, *found.gone) if one.email == email)


def sign_up(home: Installation, *addresses: str, tracking: bool = True) -> None:
    for address in addresses:
        home.subscribe(address)
        home.deliver()
        home.collect(home.enrolment(address)["id"], tracking=tracking)


def happened(home: Installation, address: str, *what: tuple[str, str]) -> None:
    """Add judged hits to a person's last email."""
    message = home.messages_of(address)[-1]
    rows = [
        {
            "kind": kind,
            "subscriber_id": message["subscriber_id"],
            "message_id": message["id"],
            "happened_at": home.clock.now,
            "source": "hit",
            "source_key": f"{message['id']}-{kind}-{verdict}-{number}",
            "verdict": verdict,
        }
        for number, (kind, verdict) in enumerate(what)
    ]
    with home.context.database.writing() as connection:
        assert events.add_events(connection, rows) == len(rows)


def book(home: Installation, address: str, number: str = "1") -> None:
    context, now = home.context, home.clock.now
    told = BookingEvent("calendly", number, now, address, True, False, False, now, raw={})
    record_bookings(context.database, context.catalogue, context.tokens, [told], now)


def test_each_email_is_counted_once_whatever_happened_to_it(home: Installation) -> None:
    sign_up(home, ANN, BOB, CARA)
    home.live(days=4)
    happened(home, ANN, ("opened", "human"), ("opened", "human"), ("clicked", "human"))
    happened(home, ANN, ("clicked", "machine"))
    happened(home, BOB, ("opened", "machine"), ("opened", "unsure"))
    happened(home, CARA, ("opened", "machine"), ("clicked", "machine"))
    assert stage(home).funnel == Funnel(
        Figures(sent=3, followed=3, read=1, clicked=1, unsure=1, machine=1), 0
    )


def test_a_click_counts_as_having_read_the_email(home: Installation) -> None:
    sign_up(home, ANN)
    home.live(days=4)
    happened(home, ANN, ("clicked", "human"))
    figures = stage(home).funnel.figures
    assert (figures.read, figures.clicked) == (1, 1)


def test_a_held_hit_counts_for_nothing_until_judged(home: Installation) -> None:
    sign_up(home, ANN)
    home.live(days=4)
    number = home.messages_of(ANN)[-1]["id"]
    hit = Hit(EventKind.OPENED, home.clock.now, "GET", "a scanner/1.0", "192.0.2.30")
    home.context.journal.note(SeenHit(number, hit))
    home.fold()
    figures = stage(home).funnel.figures
    assert (figures.read, figures.unsure, figures.machine) == (0, 0, 0)
    home.judge()
    figures = stage(home).funnel.figures
    assert figures.read + figures.unsure + figures.machine == 1


def test_people_without_tracking_are_counted_separately(home: Installation) -> None:
    sign_up(home, ANN)
    sign_up(home, BOB, tracking=False)
    home.live(days=4)
    figures = stage(home).funnel.figures
    assert (figures.sent, figures.followed) == (2, 1)


def test_deliveries_are_shown_only_if_a_provider_reports_them(home: Installation) -> None:
    sign_up(home, ANN, BOB)
    home.live(days=4)
    assert not stage(home).funnel.tells_delivery
    context, now = home.context, home.clock.now
    message_id = context.tokens.message_id(home.messages_of(ANN)[-1]["id"])
    kind = EventKind.DELIVERED
    told = MailEvent(kind, "postmark", "1", now, ANN, message_id, False, "", {})
    record_mail_events(context.database, context.catalogue, context.tokens, [told], now)
    funnel = stage(home).funnel
    assert funnel.tells_delivery
    assert funnel.figures.delivered == 1


def test_an_unsubscribe_is_attributed_to_the_email_it_came_from(home: Installation) -> None:
    sign_up(home, ANN)
    home.live(days=4)
    context, number = home.context, home.messages_of(ANN)[-1]["id"]
    evidence = Evidence("https://emails.example.org", "192.0.2.7", "")
    person = home.person(ANN)["id"]
    preferences.unsubscribe(
        context.database, context.catalogue, person, number, evidence, home.clock.now
    )
    assert stage(home).funnel.figures.unsubscribed == 1
    assert stage(home, GUIDE).funnel.figures.unsubscribed == 0


def test_a_booking_is_attributed_to_the_last_email_before_it(home: Installation) -> None:
    sign_up(home, ANN, BOB)
    home.live(days=4)
    book(home, ANN, "first")
    book(home, ANN, "and once more")
    assert [one.funnel.booked for one in course(home).stages if one.funnel.booked] == [1]
    assert stage(home).funnel.booked == 1
    assert course(home).total.booked == 1


@pytest.mark.parametrize(("days", "booked"), [(30, 1), (31, 0)])
def test_a_booking_long_after_the_last_email_is_attributed_to_none(
    home: Installation, days: int, booked: int
) -> None:
    home.subscribe(ANN)
    home.deliver()
    home.clock.advance(timedelta(days=days))
    book(home, ANN)
    assert course(home, Period.QUARTER).total.booked == booked


def test_a_booking_by_a_stranger_is_attributed_to_no_email(home: Installation) -> None:
    book(home, "stranger@example.org")
    assert course(home).total == Funnel(Figures(), 0)


def test_only_emails_sent_within_the_period_count(home: Installation) -> None:
    sign_up(home, ANN)
    home.clock.advance(timedelta(days=28))
    assert stage(home, GUIDE).funnel.figures.sent == 0
    assert stage(home, GUIDE, Period.QUARTER).funnel.figures.sent == 1


@pytest.mark.parametrize("period", Period)
def test_the_spans_add_up_to_the_total(home: Installation, period: Period) -> None:
    sign_up(home, ANN, BOB)
    home.live(days=9)
    found = course(home, period)
    assert sum(one.figures.sent for _, one in found.spans) == found.total.figures.sent > 3
    assert found.spans[-1][0] <= home.clock.now.date()


def test_days_are_counted_in_the_practices_time_zone(home: Installation) -> None:
    home.clock.set(datetime.fromisoformat("2026-06-30T23:30:00+00:00"))
    home.subscribe(ANN)
    home.deliver()
    day, funnel = course(home).spans[-1]
    assert (str(day), funnel.figures.sent) == ("2026-07-01", 1)


def test_people_are_counted_at_their_current_step(home: Installation) -> None:
    sign_up(home, ANN)
    home.subscribe(BOB)
    home.deliver()
    home.live(days=1)
    found = course(home)
    waiting = {one.email: one.waiting for one in found.stages if one.waiting}
    assert waiting == {FIRST: 1, "guide-reminder": 1}
    assert (found.under_way, found.elsewhere, found.uncollected) == (2, 0, 1)
    home.live(days=6)
    assert (course(home).elsewhere, course(home).uncollected) == (1, 1)


def test_every_sequence_is_listed_with_forms_first(home: Installation) -> None:
    sign_up(home, ANN)
    context = home.context
    found = list_courses(context.database, context.catalogue, home.clock.now)
    assert found[0].sequence.key == "pain-guide"
    assert found[0].total.figures.sent == 1
    forms = [one.sequence.form is not None for one in found]
    assert forms == sorted(forms, reverse=True)
    assert len(found) == 6


def test_an_unknown_sequence_has_no_report(home: Installation) -> None:
    with pytest.raises(UnknownSequenceError, match="pain-guide"):
        course(home, key="nothing")
