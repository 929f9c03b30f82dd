"""Stories of people, from the website's form to the last email, on a moved clock."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.store.tables.events import events
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation, calendly_call, link_in
from tests.installations import ScriptedSink
from tests.journeys.steps import LONDON, SERIES, check_windows, collect, sequence, sign_up
from tests.presence import at_least_one
from tests.servers.smtp import Mail


def local_times(mails: list[Mail], zone: ZoneInfo = LONDON) -> list[datetime]:
    """Return when the emails arrived, in local time."""
    return [mail.message["Date"].datetime.astimezone(zone) for mail in mails]


def test_alice_books_a_session_and_gets_nothing_more_of_the_sequence(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.clock.set(datetime(2026, 4, 13, 10, 0, tzinfo=UTC))
    sign_up(home, "alice@example.org", first_name="Alice")
    collect(home, smtp_sink, "alice@example.org")
    home.live(days=10)
    before = len(smtp_sink.mails)
    assert before >= 3
    booked = calendly_call(home, "invitee.created", "Alice@Example.org", "A1")
    assert booked.status_code == 204
    assert home.enrolment("alice@example.org")["status"] == EnrolmentStatus.GOAL_REACHED
    for name, number in (("invitee.canceled", "A1"), ("invitee.created", "A2")):
        home.live(days=1)
        assert calendly_call(home, name, "alice@example.org", number).status_code == 204
    home.live(days=120)
    assert len(smtp_sink.mails) == before
    assert home.enrolment("alice@example.org")["status"] == EnrolmentStatus.GOAL_REACHED


def test_a_booking_without_the_calendars_signature_ends_nothing(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home = sqlite_home
    sign_up(home, "alice@example.org")
    forged = calendly_call(home, "invitee.created", "alice@example.org", "A1", secret="wrong")
    assert forged.status_code == 401
    call = home.client.post("/webhooks/bookings/calendly", data=b"{}")
    assert call.status_code == 401
    assert home.client.post("/webhooks/bookings/nobody", data=b"{}").status_code == 404
    stale = calendly_call(home, "invitee.created", "alice@example.org", "A1", age=301)
    assert stale.status_code == 401
    assert home.enrolment("alice@example.org")["status"] == EnrolmentStatus.ACTIVE


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 10, 12, 14, 37, tzinfo=UTC),
        datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
        datetime(2026, 12, 18, 17, 59, tzinfo=UTC),
    ],
    ids=["across the end of summer time", "across advent", "across Christmas and New Year"],
)
@pytest.mark.parametrize("form", ["pain-guide", "over-50-guide"])
def test_bob_gets_the_whole_sequence_in_order_with_each_email_in_its_window(
    sqlite_home: Installation, smtp_sink: ScriptedSink, start: datetime, form: str
) -> None:
    home, bob = sqlite_home, "bob@example.org"
    home.clock.set(start)
    sign_up(home, bob, form, first_name="Bob")
    collect(home, smtp_sink, bob)
    home.live(days=100)
    sent = [step for step, status in home.statuses(bob) if status == MessageStatus.ACCEPTED]
    assert sent == [email for email in SERIES[form] if email != "guide-reminder"]
    assert len(smtp_sink.mails) == len(sent)
    check_windows(home, bob, form)
    times = local_times(smtp_sink.mails)
    assert times == sorted(times)
    waits = [step.wait.days for step in sequence(form).steps if step.kind != "reminder"][1:]
    for (earlier, later), days in at_least_one(zip(pairwise(times), waits, strict=True)):
        assert later.date() - earlier.date() >= timedelta(days=days)
        assert later.date() - earlier.date() <= timedelta(days=days + 12)
    assert times[-1] - times[0] <= timedelta(days=63)
    assert home.enrolment(bob, form)["status"] == EnrolmentStatus.COMPLETED
    assert all("Bob" in str(mail.message) for mail in at_least_one(smtp_sink.mails))


def test_nobody_gets_an_article_over_christmas_2026(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home = sqlite_home
    for day in range(1, 15):
        home.live_until(datetime(2026, 12, day, 11, 0, tzinfo=UTC))
        sign_up(home, f"p{day}@example.org")
        collect(home, smtp_sink, f"p{day}@example.org")
    home.live_until(datetime(2027, 1, 20, tzinfo=UTC))
    days = {moment.date() for moment in local_times(smtp_sink.mails[28:])}
    closed = {date(2026, 12, 25), date(2026, 12, 26), date(2026, 12, 27), date(2026, 12, 28)}
    assert days.isdisjoint(closed | {date(2027, 1, 1)})
    assert date(2026, 12, 24) in days
    assert date(2026, 12, 29) in days


def test_charlie_unsubscribes_in_one_click_and_is_never_emailed_again(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    charlie = "charlie@example.org"
    sign_up(home, charlie)
    collect(home, smtp_sink, charlie)
    home.live(days=4)
    article = smtp_sink.mails_to(charlie)[-1]
    target = str(article.message["List-Unsubscribe"]).strip("<>")
    answer = home.press(target, **{"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    before = len(smtp_sink.mails)
    home.live(days=30)
    sign_up(home, charlie)
    sign_up(home, charlie, "over-50-guide")
    home.live(days=100)
    assert len(smtp_sink.mails) == before
    assert home.enrolment(charlie)["status"] == EnrolmentStatus.UNSUBSCRIBED
    told = [row for row in home.rows(events) if row["kind"] == "unsubscribed"]
    assert [row["message_id"] for row in told] == [home.messages_of(charlie)[-1]["id"]]


def test_danas_nonexistent_address_is_tried_once(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    smtp_sink.refuse("dana@example.org")
    sign_up(home, "dana@example.org")
    smtp_sink.welcome("dana@example.org")
    home.live(days=2)
    sign_up(home, "dana@example.org")
    home.live(days=60)
    assert smtp_sink.mails == []
    assert home.enrolment("dana@example.org")["status"] == EnrolmentStatus.SUPPRESSED
    assert [row["reason"] for row in home.rows(suppressions)] == ["bounced"]


def test_erin_never_collects_gets_one_reminder_and_her_enrolment_ends_after_thirty_days(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    erin, start = "erin@example.org", datetime(2026, 12, 23, 20, 0, tzinfo=UTC)
    home.clock.set(start)
    sign_up(home, erin)
    home.live(days=29)
    assert [step for step, _ in home.statuses(erin)] == ["your-guide", "guide-reminder"]
    check_windows(home, erin, "pain-guide")
    reminder = local_times(smtp_sink.mails)[1]
    assert reminder == datetime(2026, 12, 29, 10, 0, tzinfo=LONDON)
    home.live(days=2)
    enrolment = home.enrolment(erin)
    assert enrolment["status"] == EnrolmentStatus.REMOVED
    assert enrolment["ended_at"] - start == timedelta(days=30)
    home.live(days=100)
    assert len(smtp_sink.mails) == 2


def test_a_scanner_that_follows_every_link_neither_collects_nor_unsubscribes(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    sign_up(home, "frank@example.org")
    home.live(days=1)
    before = home.everything()
    for kind in ("guide", "preferences", "unsubscribe"):
        path = link_in(smtp_sink.mails[0], kind).removeprefix("https://emails.example.org")
        assert home.client.get(path).status_code == 200
        assert home.client.head(path).status_code == 200
    assert home.everything() == before
    home.live(days=20)
    assert [step for step, _ in home.statuses("frank@example.org")][1:] == ["guide-reminder"]


def test_grace_pauses_for_thirty_days_and_continues_where_she_was(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    grace = "grace@example.org"
    sign_up(home, grace)
    collect(home, smtp_sink, grace)
    home.live(days=8)
    had = len(smtp_sink.mails)
    link, paused_at = link_in(smtp_sink.mails[-1], "preferences"), home.clock.now
    assert home.press(link, frequency="paused").status_code == 200
    home.live(days=29, hours=23)
    assert len(smtp_sink.mails) == had
    home.live(days=80)
    times = local_times(smtp_sink.mails)
    assert times[had] >= paused_at + timedelta(days=30)
    gaps = [later - earlier for earlier, later in pairwise(times[had:])]
    assert min(gaps) >= timedelta(days=2)
    assert home.enrolment(grace)["status"] == EnrolmentStatus.COMPLETED
    assert len(smtp_sink.mails) == 9
    check_windows(home, grace, "pain-guide")


def test_heidi_asks_for_fewer_emails_and_gets_all_of_them_one_a_week(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home, heidi = sqlite_home, "heidi@example.org"
    sign_up(home, heidi)
    home.press(link_in(smtp_sink.mails[0], "preferences"), frequency="fewer")
    collect(home, smtp_sink, heidi)
    home.live(days=120)
    times = local_times(smtp_sink.mails)[1:]
    assert len(times) == 8
    assert min(b - a for a, b in pairwise(times)) >= timedelta(days=7) - timedelta(hours=1)
    check_windows(home, heidi, "pain-guide")


def test_everyone_continues_without_a_pile_up_after_a_week_without_workers(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    people = [f"p{n}@example.org" for n in range(12)]
    for address in people:
        sign_up(home, address)
        collect(home, smtp_sink, address)
        home.live(hours=20)
    had = len(smtp_sink.mails)
    home.clock.advance(timedelta(days=7))
    home.deliver()
    home.live(hours=23)
    assert len(smtp_sink.mails) - had <= len(people)
    home.live(days=90)
    for address in at_least_one(people):
        assert len(smtp_sink.mails_to(address)) == 9
        times = local_times(smtp_sink.mails_to(address))[1:]
        assert min(b - a for a, b in pairwise(times)) >= timedelta(hours=23)
        check_windows(home, address, "pain-guide")
        assert home.enrolment(address)["status"] == EnrolmentStatus.COMPLETED
