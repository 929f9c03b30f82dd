"""The account at the mail server: while it accepts nothing, nobody is lost."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from aiosmtpd.smtp import SMTP

from nurture.domain.messages.status import MessageStatus
from nurture.services.account import hold
from nurture.services.reports import status as status_report
from nurture.store.tables.account import refusals
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.presence import at_least_one

QUOTA = "550 5.4.5 Daily user sending limit exceeded."
HOURLY = "550 Domain example.org has exceeded the max emails per hour (150/150 (100%)) allowed."
STRANGE = "550 Not on a Monday"
NOBODY = "550 5.1.1 User unknown"
MANY = [f"p{n}@example.org" for n in range(40)]
LIVE = MANY[:12]
DEAD = [f"dead{n}@example.org" for n in range(12)]

Answer = Callable[[str, str], str | None]


def arrivals(smtp_sink: ScriptedSink) -> Counter[str]:
    return Counter(to for mail in smtp_sink.mails for to in mail.recipients)


def states(home: Installation) -> Counter[str]:
    return Counter(row["status"] for row in home.rows(messages))


def suppressed(home: Installation) -> int:
    return len(home.rows(suppressions))


def let_an_hour_pass(home: Installation, hours: float = 1) -> None:
    home.live_until(home.clock.now + timedelta(hours=hours))


@pytest.mark.parametrize("says", [QUOTA, HOURLY])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_an_exhausted_quota_fails_nobody_and_everyone_gets_their_email_later(
    sqlite_home: Installation, smtp_sink: ScriptedSink, says: str, stage: str
) -> None:
    home = sqlite_home
    smtp_sink.answers[stage] = says
    for address in LIVE:
        home.subscribe(address)
    home.deliver()
    let_an_hour_pass(home)
    assert arrivals(smtp_sink) == Counter()
    assert suppressed(home) == 0
    assert states(home)[MessageStatus.FAILED] == 0
    smtp_sink.answers.clear()
    let_an_hour_pass(home, 4)
    assert arrivals(smtp_sink) == Counter(LIVE)


def test_a_held_account_is_retried_with_one_email_at_growing_intervals(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home, tries = sqlite_home, []

    def refuse(_: str) -> str:
        tries.append(home.clock.now)
        return QUOTA

    smtp_sink.decides["RCPT"] = refuse
    for address in LIVE:
        home.subscribe(address)
    home.deliver()
    offered_at_once = len(tries)
    let_an_hour_pass(home, 30)
    waits = [b - a for a, b in pairwise(tries[offered_at_once:])]
    assert offered_at_once <= 4
    assert waits[:4] == [timedelta(minutes=m) for m in (30, 60, 120, 240)]
    assert set(waits[4:]) == {timedelta(hours=4)}


@pytest.mark.parametrize("says", [STRANGE, NOBODY])
def test_a_run_of_identical_refusals_is_blamed_on_the_server(
    home: Installation, smtp_sink: ScriptedSink, says: str
) -> None:
    smtp_sink.answers["RCPT"] = says
    for address in MANY:
        home.subscribe(address)
    home.deliver()
    let_an_hour_pass(home)
    assert suppressed(home) == 0
    assert states(home)[MessageStatus.FAILED] == 0
    assert {row["status"] for row in home.rows(enrolments)} == {"active"}
    smtp_sink.answers.clear()
    let_an_hour_pass(home, 48)
    arrived = arrivals(smtp_sink)
    assert set(arrived.values()) == {1}
    missing = set(MANY) - set(arrived)
    # What the first five were told counts once the server is seen to accept mail.
    assert len(missing) == (suppressed(home) if says == NOBODY else 0)
    assert len(missing) <= 12


def test_a_run_of_dead_addresses_does_not_delay_the_others_for_long(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    for address in DEAD:
        smtp_sink.refuse(address)
    for address in DEAD + LIVE:
        home.subscribe(address)
        home.clock.advance(timedelta(seconds=1))
    home.deliver()
    let_an_hour_pass(home, 6)
    assert arrivals(smtp_sink) == Counter(LIVE)
    assert suppressed(home) == len(DEAD)
    by_address = {home.person(a)["id"] for a in DEAD}
    ended = [r for r in home.rows(enrolments) if r["subscriber_id"] in by_address]
    assert {row["status"] for row in ended} == {"suppressed"}
    assert home.rows(refusals) == []


def test_one_busy_recipient_delays_nobody_else(home: Installation, smtp_sink: ScriptedSink) -> None:
    smtp_sink.refuse(
        LIVE[7], "450 4.2.1 The user you are trying to contact is receiving mail at a rate"
    )
    for address in LIVE:
        home.subscribe(address)
    home.deliver()
    assert arrivals(smtp_sink) == Counter(a for a in LIVE if a != LIVE[7])
    assert states(home)[MessageStatus.DEFERRED] == 1
    with home.context.database.reading() as connection:
        assert hold.state_of(connection, home.clock.now).hold is None


def test_a_full_mailbox_is_retried_for_days_and_never_suppressed(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    smtp_sink.refuse(LIVE[0], "552 5.2.2 The email account is over its storage limit")
    home.subscribe(LIVE[0])
    home.subscribe(LIVE[1])
    home.deliver()
    let_an_hour_pass(home, 72)
    assert suppressed(home) == 0
    assert home.messages_of(LIVE[0])[0]["status"] == MessageStatus.DEFERRED
    smtp_sink.welcome(LIVE[0])
    let_an_hour_pass(home, 25)
    assert arrivals(smtp_sink)[LIVE[0]] >= 1


def test_refusals_interrupted_by_accepted_emails_do_not_form_a_run(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    smtp_sink.decides["RCPT"] = lambda to: NOBODY if int(to[1]) % 2 else None
    for n in range(10):
        home.subscribe(f"p{n}@example.org")
        home.deliver()
        home.clock.advance(timedelta(seconds=1))
    assert suppressed(home) == 5
    assert len(arrivals(smtp_sink)) == 5


def test_the_owner_can_retry_a_held_account_immediately(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    smtp_sink.answers["MAIL"] = "550 5.7.60 Client does not have permissions to send as this sender"
    for address in LIVE:
        home.subscribe(address)
    home.deliver()
    status = status_report.status(
        home.context.database,
        home.context.fingerprint,
        home.context.witness,
        home.clock.now,
    )
    assert json.loads(json.dumps(status["account"]))["cause"] == "sender"
    assert status["account"]["waiting"] == len(LIVE)
    smtp_sink.answers.clear()
    assert home.deliver() == 0
    assert hold.try_now(home.context.database, home.clock.now)
    home.deliver()
    assert arrivals(smtp_sink) == Counter(LIVE)
    assert not hold.try_now(home.context.database, home.clock.now)


def test_the_acceptance_time_is_when_the_server_answered(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    import time

    home = sqlite_home
    heard: dict[str, float] = {}
    began = time.monotonic()

    def slowly(_: SMTP) -> None:
        time.sleep(0.3)
        heard[str(len(heard))] = time.monotonic() - began

    smtp_sink.script = slowly
    for address in LIVE[:6]:
        home.subscribe(address)
    claimed = home.clock.now
    began = time.monotonic()
    home.deliver()
    taken = sorted((m["accepted_at"] - claimed).total_seconds() for m in home.rows(messages))
    assert all(
        abs(a - b) < 0.25 for a, b in at_least_one(zip(taken, sorted(heard.values()), strict=True))
    )
    assert taken[-1] - taken[0] > 1
