"""The clocks change, a leap day comes, a week is missed: nobody is emailed too often."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nurture.bank_holidays import bank_holidays
from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.sequence import Late, StepKind
from nurture.services.delivery import batch
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from tests.faults.oracle import Oracle
from tests.faults.verdict import verdict
from tests.installation import Installation, shipped_library
from tests.presence import at_least_one

ZONES = ("Europe/London", "America/New_York", "Australia/Sydney", "Asia/Kolkata")
SEQUENCE = next(s.sequence for s in shipped_library().sequences if s.sequence.key == "pain-guide")

#: Two emails of a series are never closer than this, all sequences together.
APART = timedelta(hours=23)

#: The clocks go back, the clocks go forward, a leap day.
ODD_DAYS = (datetime(2026, 10, 25), datetime(2027, 3, 28), datetime(2028, 2, 29))


def series(home: Installation) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Return the series emails sent to each person, in order, without guides."""
    rows = home.rows(messages)
    zones = {row["id"]: row["time_zone"] for row in home.rows(subscribers)}
    for person, zone in zones.items():
        sent = [
            row
            for row in rows
            if row["subscriber_id"] == person
            and row["kind"] != StepKind.GUIDE
            and row["accepted_at"] is not None
        ]
        yield zone, sorted(sent, key=lambda row: row["accepted_at"])


def check(home: Installation) -> int:
    """Check that every email came in its window and not too soon after another; count them."""
    count = 0
    for zone, sent in at_least_one(series(home)):
        for mail in at_least_one(sent):
            step = SEQUENCE.step(str(mail["step"]))
            local = mail["accepted_at"].astimezone(ZoneInfo(zone))
            assert step.at is not None and step.at <= local.time() < time(19), (step.email, local)
            assert local.weekday() in step.on.weekdays, (step.email, local)
            assert step.on.holidays or local.date() not in bank_holidays(), (step.email, local)
        for earlier, later in at_least_one(pairwise(sent)):
            assert later["accepted_at"] - earlier["accepted_at"] >= APART
        count += len(sent)
    return count


@pytest.mark.parametrize("day", ODD_DAYS, ids=lambda day: f"{day:%d %b %Y}")
def test_every_email_is_sent_once_and_in_its_window_on_a_clock_change_or_leap_day(
    full_home: Installation, oracle: Oracle, day: datetime
) -> None:
    home = full_home
    home.clock.set(day.replace(tzinfo=UTC) - timedelta(days=9))
    for n in range(8):
        home.subscribe(f"p{n}@example.org", time_zone=ZONES[n % 4])
        home.deliver()
        home.collect(n + 1)
        home.live(hours=29)
    home.live(days=12)
    home.deliver()
    assert check(home) >= 16
    judged = verdict(home, oracle, [])
    assert _only_several_steps(judged.doubled) and not judged.lies and not judged.denied


def _only_several_steps(doubled: list[str]) -> bool:
    """Return whether all duplicates are people, who each receive several emails here.

    Each email has its own Message-ID.
    """
    return all("@" in one for one in doubled)


def test_a_clock_set_back_sends_nothing_twice(sqlite_home: Installation, oracle: Oracle) -> None:
    home = sqlite_home
    for n in range(5):
        home.subscribe(f"p{n}@example.org")
    home.deliver()
    for n in range(5):
        home.collect(n + 1)
    home.live(days=4)
    before = oracle.count()
    for length in (timedelta(hours=1), timedelta(days=3)):
        home.clock.advance(-length)
        home.deliver()
        home.live_until(home.clock.now + length)
    assert oracle.count() == before
    judged = verdict(home, oracle, [])
    assert _only_several_steps(judged.doubled) and not judged.lies and not judged.denied


@pytest.mark.parametrize("days", [7, pytest.param(30, marks=pytest.mark.slow)])
def test_a_week_long_outage_floods_nobody_and_skips_what_is_too_late(
    full_home: Installation, oracle: Oracle, days: int
) -> None:
    home = full_home
    home.clock.set(datetime(2026, 10, 12, 9, 0, tzinfo=UTC))
    for n in range(10):
        home.subscribe(f"p{n}@example.org", time_zone=ZONES[n % 4])
        home.deliver()
        home.collect(n + 1)
        home.live(hours=42)
    at_dark = {(row["enrolment_id"], row["step"]) for row in home.rows(messages)}
    home.clock.advance(timedelta(days=days))
    at_light = home.clock.now
    while batch.deliver_batch(home.context.dispatch).looked_at:
        pass
    home.live(days=25)
    assert check(home) > 50
    for _, sent in series(home):
        late = [mail for mail in sent if (mail["enrolment_id"], mail["step"]) not in at_dark]
        _check_shifted(late, at_light)
    assert _only_several_steps(verdict(home, oracle, []).doubled)


def _check_shifted(sent: list[dict[str, Any]], at_light: datetime) -> None:
    """Check the intervals: the first email may be late, each wait counts from the one before."""
    for mail in at_least_one(sent[:1]):
        step = SEQUENCE.step(str(mail["step"]))
        overdue = mail["accepted_at"] - mail["due_at"]
        assert step.late is Late.SEND or overdue <= step.max_late
    for earlier, later in at_least_one(pairwise(sent)):
        wait = timedelta(days=SEQUENCE.step(str(later["step"])).wait.days)
        gap = later["accepted_at"] - earlier["accepted_at"]
        assert gap >= wait - timedelta(hours=2), (earlier["step"], later["step"])


def test_every_article_due_during_an_outage_is_sent_in_the_end(
    sqlite_home: Installation, oracle: Oracle
) -> None:
    home = sqlite_home
    home.subscribe("ann@example.org")
    home.deliver()
    home.collect()
    home.deliver()
    home.clock.advance(timedelta(days=7))
    home.live(days=90)
    [enrolment] = home.rows(enrolments)
    assert enrolment["status"] == "completed"
    sent = {row["step"] for row in home.rows(messages)}
    articles = {step.email for step in SEQUENCE.steps if step.kind is StepKind.ARTICLE}
    assert articles <= sent
    assert {row["status"] for row in home.rows(messages)} == {MessageStatus.ACCEPTED}
