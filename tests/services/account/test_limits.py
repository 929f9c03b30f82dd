"""The account's limits under attack: by clocks, by the owner, by restores and by patience."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from nurture.clock import real_now
from nurture.domain.account.limits import Window
from nurture.files.env import SettingsError
from nurture.services.backup import held
from nurture.services.delivery.recovery import recover_silent
from nurture.services.delivery.sweep import batches_due
from nurture.settings import load_settings
from nurture.store.tables import account_limits
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation, shipped_library
from tests.installations import ScriptedSink
from tests.presence import at_least_one
from tests.servers.smtp import SmtpSink
from tests.vocabulary import (
    ACCEPTED,
    ANN,
    GUIDE,
    SOFT,
    claim_and_begin,
    on_the_way_to_the_first_article,
)

BOB = "bob@example.org"
LAST_WORD = "discovery-session-last-word"
BEFORE_IT = frozenset(
    step.email
    for one in shipped_library().sequences
    if one.sequence.key == "pain-guide"
    for step in one.sequence.steps
    if step.email != LAST_WORD
)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def people(count: int) -> list[str]:
    """Return that many addresses."""
    return [f"p{n}@example.org" for n in range(count)]


def limited(home: Installation, **limits: str) -> None:
    """Let every process from now on know of these limits of the account."""
    home.close()
    home.settings = {f"NURTURE_LIMIT_{name.upper()}": number for name, number in limits.items()}
    home.__dict__.pop("context", None)


def due_for_the_last_word(home: Installation, *addresses: str) -> None:
    """Let people have had everything but the last word, which is now due."""
    for address in addresses:
        home.subscribe(address)
    home.deliver()
    for address in addresses:
        home.collect(home.enrolment(address)["id"])
    with home.context.database.writing() as connection:
        now = home.clock.now
        values = {"passed": BEFORE_IT, "anchor_at": now, "next_look_at": now}
        connection.execute(update(enrolments).values(values))
    home.deliver()
    look = home.next_look()
    assert look is not None
    home.clock.set(look)


def have_the_last_word(home: Installation) -> list[str]:
    """Return who has been sent the last word."""
    names = {row["id"]: row["address"] for row in home.rows(subscribers)}
    rows = [row for row in home.rows(messages) if row["step"] == LAST_WORD]
    return sorted(names[row["subscriber_id"]] for row in rows if row["status"] == ACCEPTED)


def waiting_since(home: Installation) -> datetime | None:
    """Return since when due emails have been waiting for the account."""
    with home.context.database.reading() as connection:
        return account_limits.find_account(connection).waiting_since


def pass_time(home: Installation, length: timedelta, step: timedelta) -> None:
    """Let time pass, with a worker that looks after every `step`."""
    end = home.clock.now + length
    while home.clock.now < end:
        home.deliver()
        home.clock.advance(step)


def most_within(length: timedelta, moments: Iterable[datetime]) -> int:
    """Return the largest number of moments that any window of that length holds."""
    found = sorted(moments)
    return max(sum(one <= at < one + length for at in found) for one in found)


# --- Waiting for the account is not lateness -----------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "count", "days", "step"),
    [({"day": "4"}, 14, 21, timedelta(hours=2)), ({"hour": "2"}, 40, 15, timedelta(minutes=61))],
)
def test_everyone_behind_a_small_limit_gets_their_last_word_after_nights_and_weekends(
    home: Installation,
    smtp_sink: SmtpSink,
    limit: dict[str, str],
    count: int,
    days: int,
    step: timedelta,
) -> None:
    due_for_the_last_word(home, *people(count))
    limited(home, **limit)
    pass_time(home, timedelta(days=days), step)
    assert have_the_last_word(home) == sorted(people(count))
    assert waiting_since(home) is None


def test_an_outage_after_the_wait_still_makes_the_last_word_too_late(
    sqlite_home: Installation, smtp_sink: SmtpSink
) -> None:
    home = sqlite_home
    due_for_the_last_word(home, *people(6))
    limited(home, day="2")
    pass_time(home, timedelta(days=4), timedelta(hours=2))
    got = have_the_last_word(home)
    assert 0 < len(got) < 6 and waiting_since(home) is None
    home.clock.advance(timedelta(days=30))
    pass_time(home, timedelta(days=7), timedelta(hours=2))
    assert have_the_last_word(home) == got


def test_what_was_claimed_after_a_long_wait_and_put_off_is_not_late(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    due_for_the_last_word(home, ANN)
    with home.context.database.writing() as connection:
        account_limits.note_waiting(connection, home.clock.now)
    home.clock.advance(timedelta(days=7))
    smtp_sink.greylist(ANN)
    home.deliver()
    assert have_the_last_word(home) == [] and waiting_since(home) is None
    home.clock.advance(HOUR)
    home.deliver()
    assert have_the_last_word(home) == [ANN]


def test_a_sweep_notes_that_emails_wait_though_no_claim_is_made(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    on_the_way_to_the_first_article(home, ANN, BOB)
    later = home.clock.now + timedelta(minutes=10)
    with home.context.database.writing() as connection:
        bobs = enrolments.c.id == home.enrolment(BOB)["id"]
        connection.execute(update(enrolments).where(bobs).values(next_look_at=later))
    limited(home, hour="2")
    assert home.deliver() == 1
    home.clock.set(later)
    assert waiting_since(home) is None
    assert batches_due(home.context.dispatch) == 0
    assert waiting_since(home) == home.clock.now
    home.clock.advance(HOUR)
    home.deliver()
    batches_due(home.context.dispatch)
    assert waiting_since(home) is None


@pytest.mark.parametrize("first_look", [timedelta(0), timedelta(days=7)])
def test_whoever_wants_fewer_gets_the_last_word_that_their_cap_held_for_a_week(
    home: Installation, smtp_sink: SmtpSink, first_look: timedelta
) -> None:
    """Nobody may have looked at them in all that time."""
    due_for_the_last_word(home, ANN)
    due_at = home.clock.now
    home.clock.set(due_at - DAY)
    home.subscribe(ANN, form="over-50-guide")
    home.deliver()
    other = home.enrolment(ANN, "over-50-guide")["id"]
    home.collect(other)
    with home.context.database.writing() as connection:
        mine = enrolments.c.id == other
        long_ago = {"anchor_at": due_at - 9 * DAY, "collected_at": due_at - 9 * DAY}
        connection.execute(update(enrolments).where(mine).values(long_ago))
        connection.execute(update(enrolments).where(~mine).values(next_look_at=due_at))
    assert home.deliver() == 1  # An article of the other series.
    with home.context.database.writing() as connection:
        connection.execute(update(subscribers).values(frequency="fewer"))
        no_more = due_at + 60 * DAY  # Its next one would use up what the cap allows.
        connection.execute(update(enrolments).where(mine).values(next_look_at=no_more))
    home.clock.set(due_at + first_look)
    pass_time(home, 10 * DAY, timedelta(hours=6))
    assert have_the_last_word(home) == [ANN]
    [sent] = [row for row in home.rows(messages) if row["step"] == LAST_WORD]
    assert sent["accepted_at"] - due_at > timedelta(days=6)


# --- Clocks, owners and restores -----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_clock_that_jumps_makes_no_window_of_its_time_hold_more_than_the_limit(
    sqlite_home: Installation, smtp_sink: SmtpSink, seed: int
) -> None:
    home, chance, moments = sqlite_home, random.Random(seed), []
    limited(home, minute="5", hour="12", day="40")
    addresses = iter(people(200))
    jumps = [-HOUR, HOUR, DAY, -DAY, 2 * HOUR, -2 * HOUR, timedelta(seconds=50), 20 * MINUTE]
    for jump in [chance.choice(jumps) for _ in range(40)]:
        for _ in range(4):
            home.subscribe(next(addresses))
        moments += [home.clock.now] * home.deliver()
        home.clock.advance(jump)
    assert len(moments) > 40
    for window, limit in zip(Window, (5, 12, 40), strict=True):
        assert most_within(window.length, moments) <= limit


def test_a_clock_that_goes_a_day_ahead_and_back_lets_nobody_wait_for_longer_than_a_window(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    limited(home, hour="10")
    for address in people(30):
        home.subscribe(address)
    start = home.clock.now
    assert home.deliver() == 10
    home.clock.set(start + DAY)
    assert home.deliver() == 10
    home.clock.set(start + MINUTE)
    assert home.deliver() == 0
    home.clock.set(start + HOUR + MINUTE)
    assert home.deliver() == 10


def test_a_clock_that_was_ahead_does_not_say_since_when_emails_wait(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    on_the_way_to_the_first_article(home, *people(4))
    limited(home, day="2")
    start = home.clock.now
    home.clock.set(start + timedelta(days=300))
    home.deliver()
    assert waiting_since(home) == home.clock.now
    home.clock.set(start)
    home.deliver()
    assert waiting_since(home) == start


def test_a_limit_that_is_lowered_counts_what_was_sent_before(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    for address in people(40):
        home.subscribe(address)
    limited(home, hour="20")
    assert home.deliver() == 20
    limited(home, hour="12")
    home.clock.advance(HOUR - MINUTE)
    assert home.deliver() == 0
    home.clock.advance(2 * MINUTE)
    assert home.deliver() == 12


def test_one_email_a_minute_is_one_email_a_minute(home: Installation, smtp_sink: SmtpSink) -> None:
    on_the_way_to_the_first_article(home, *people(3))
    limited(home, minute="1")
    home.clock.advance(2 * MINUTE)
    home.subscribe(ANN)
    sent = []
    for _ in range(5):
        before = len(smtp_sink.mails)
        assert home.deliver() <= 1
        sent += [mail.recipients[0] for mail in smtp_sink.mails[before:]]
        home.clock.advance(timedelta(seconds=30))
        assert home.deliver() == 0
        home.clock.advance(timedelta(seconds=31))
    assert sent[0] == ANN
    assert sorted(sent[1:]) == people(3)


def test_what_a_killed_worker_left_in_doubt_counts_a_little_longer(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    """The mail server may accept it after its worker has been found dead."""
    limited(home, minute="4")
    for address in people(4):
        home.subscribe(address)
    claim_and_begin(home)
    for address in people(8)[4:]:
        home.subscribe(address)
    with home.context.database.writing() as connection:
        stale = real_now() - timedelta(minutes=10)
        connection.execute(update(messages).values(lease_until=stale))
    context = home.context
    assert recover_silent(context.database, context.logbooks, home.clock.now) == 4
    home.clock.advance(MINUTE + timedelta(seconds=20))
    assert home.deliver() == 0
    home.clock.advance(timedelta(seconds=20))
    assert home.deliver() == 4


def test_what_was_in_hand_at_a_backup_counts_after_the_restore(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    limited(home, hour="10")
    for address in people(6):
        home.subscribe(address)
    claim_and_begin(home)
    context = home.context
    held.hold_missed(context.database, context.catalogue, home.clock.now)
    home.clock.advance(timedelta(seconds=1))
    for n in range(8):
        home.subscribe(f"q{n}@example.org")
    assert home.deliver() == 4


def test_people_who_are_put_off_use_none_of_the_limit(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    limited(home, hour="10")
    for address in people(30):
        smtp_sink.refuse(address, SOFT)
        home.subscribe(address)
    for _ in range(3):
        home.deliver()
    home.subscribe(ANN)
    assert home.deliver() == 1
    assert smtp_sink.mails_to(ANN)


# --- The environment -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["MINUTE", "HOUR", "DAY", "CONNECTIONS"])
@pytest.mark.parametrize("number", ["0", "-5", "1e3", "ten", "1.5", "9" * 5000, "٣"])
def test_a_broken_number_is_refused_by_name_without_repeating_it(name: str, number: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({f"NURTURE_LIMIT_{name}": number})
    said = f"{raised.value} {raised.value.remedy}"
    assert f"NURTURE_LIMIT_{name}" in said
    assert "write a whole number from 1 to 1,000,000,000, or none" in said
    assert f"“{number}”" not in said and "9" * 30 not in said


def test_an_empty_number_leaves_the_presets(sqlite_home: Installation) -> None:
    empty = {"NURTURE_LIMIT_DAY": "", "NURTURE_LIMIT_HOUR": " "}
    settings = load_settings({"NURTURE_ACCOUNT": "Google Workspace"} | empty)
    assert settings.account_choices.preset == "google-workspace"
    assert settings.account_choices.day is None and settings.account_choices.hour is None


def test_an_unknown_account_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({"NURTURE_ACCOUNT": "hotmale"})
    said = f"{raised.value} {raised.value.remedy}"
    assert "NURTURE_ACCOUNT" in said and "google-workspace" in said


def test_all_is_sent_whatever_becomes_of_the_limits_meanwhile(
    sqlite_home: Installation, smtp_sink: SmtpSink
) -> None:
    home, chance = sqlite_home, random.Random(7)
    for address in people(60):
        home.subscribe(address)
    for _ in range(40):
        limited(home, **chance.choice([{}, {"minute": "1"}, {"hour": "3"}, {"day": "30"}]))
        home.deliver()
        home.clock.advance(chance.choice([MINUTE, HOUR, 5 * HOUR]))
    guides = [row for row in home.rows(messages) if row["step"] == GUIDE]
    assert [row["status"] for row in guides] == [ACCEPTED] * 60
    identities = [mail.message["Message-ID"] for mail in at_least_one(smtp_sink.mails)]
    assert len(set(identities)) == len(identities)
