"""The page about the account tells what is so: what was sent, waits, came back and was refused."""

from datetime import timedelta

import pytest

from nurture.domain.account.alarms import AccountAlarm, AlarmKind, MonthFigures
from nurture.domain.account.limits import Limits, Window
from nurture.domain.account.presets import UNLIMITED, AccountChoices
from nurture.domain.messages.refusal import Blame, Cause, Refusal
from nurture.domain.reasons import Code
from nurture.domain.tracking.events import EventKind
from nurture.services.account import choices, hold, overview
from nurture.services.account.facts import find_alarms
from nurture.services.account.overview import AccountOverview
from nurture.services.account.trial import try_account
from nurture.services.account.words import say_limits, what_it_means
from nurture.services.owner.practice import SlipsError
from nurture.store.tables import account_limits, mailboxes
from nurture.store.tables.offers import offers
from tests.installation import Installation, text_of
from tests.installations import ScriptedSink
from tests.servers.smtp import SmtpSink
from tests.vocabulary import ANN, HARD, crowd, news, report_event, tell

OWNER = "paul@example.org"
NOTHING_TYPED = {"preset": "", "minute": "", "hour": "", "day": "", "connections": ""}
MAILBOX = "a-mailbox"


def seen(home: Installation) -> AccountOverview:
    """Return what the page shows."""
    context = home.context
    return overview.oversee_account(
        context.database, context.settings.account_choices, MAILBOX, home.clock.now
    )


def alarmed(home: Installation) -> list[AccountAlarm]:
    """Return the alarms."""
    context = home.context
    with context.database.reading() as connection:
        return find_alarms(connection, context.settings.account_choices, MAILBOX, home.clock.now)


def save(
    home: Installation, fixed: AccountChoices | None = None, **typed: str
) -> choices.SavedChoices:
    """Save the form with these fields filled in."""
    context = home.context
    chosen = fixed or context.settings.account_choices
    return choices.save_choices(context.database, chosen, NOTHING_TYPED | typed, home.clock.now)


def stored(home: Installation) -> AccountChoices:
    """Return what the owner has chosen."""
    with home.context.database.reading() as connection:
        return account_limits.find_account(connection).own


def test_a_new_account_has_no_limit_nothing_sent_and_no_alarm(home: Installation) -> None:
    page = seen(home)
    assert (page.limits, page.used[Window.DAY], page.wait.number) == (Limits(), 0, 0)
    assert (page.held, page.refusals, page.month, page.alarms) == (None, (), MonthFigures(), ())
    assert (page.warming, page.connected, page.mailbox) == (None, None, None)


def test_what_is_typed_is_stored_and_applies_at_once(home: Installation) -> None:
    crowd(home, 3)
    saved = save(home, preset="microsoft-365", day="1,200", minute="none")
    assert saved == choices.SavedChoices(Limits(None, None, 1200, 3), 3, changed=True)
    assert stored(home) == AccountChoices("microsoft-365", UNLIMITED, None, 1200, None)
    assert choices.as_typed(stored(home)) == NOTHING_TYPED | {
        "preset": "microsoft-365",
        "minute": "none",
        "day": "1200",
    }
    assert not save(home, preset="microsoft-365", day="1200", minute="none").changed
    assert seen(home).limits.day == 1200


@pytest.mark.parametrize("said", ["0", "-5", "lots", "1.5", "٣", "1" * 40, "2000000000"])
def test_what_is_no_number_is_refused_with_its_field_and_stores_nothing(
    home: Installation, said: str
) -> None:
    with pytest.raises(SlipsError) as refused:
        save(home, hour=said, day="500")
    assert list(refused.value.slips) == ["hour"]
    assert refused.value.slips["hour"].startswith("Write a whole number from 1 to")
    assert stored(home) == AccountChoices()


def test_a_kind_of_account_that_is_not_in_the_list_is_refused(home: Installation) -> None:
    with pytest.raises(SlipsError) as refused:
        save(home, preset="carrier-pigeon")
    assert list(refused.value.slips) == ["preset"]


def test_what_the_environment_fixes_is_not_overwritten(home: Installation) -> None:
    save(home, preset="gmail", day="300")
    fixed = AccountChoices(preset="relay", day=UNLIMITED)
    saved = save(home, fixed, preset="cpanel", day="400", hour="50")
    assert stored(home) == AccountChoices("gmail", hour=50, day=300)
    assert saved.limits == Limits(hour=50)
    assert choices.fixed_fields(fixed) == {"preset": "relay", "day": "none"}


def test_the_page_says_what_waits_until_when_and_why(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    save(home, hour="20")
    crowd(home, 30)
    page = seen(home)
    assert (page.used[Window.HOUR], page.wait.number) == (20, 10)
    an_hour_later = home.clock.now + timedelta(hours=1)
    assert page.wait.next_at is not None
    assert timedelta(0) <= page.wait.next_at - an_hour_later < timedelta(minutes=1)
    assert page.wait.why is not None
    assert (page.wait.why.code, page.wait.why.limit) == (Code.HOUR_USED_UP, "20")
    assert page.last_at is not None
    home.clock.set(page.last_at)
    home.deliver()
    assert seen(home).wait.number == 0


def test_a_queue_longer_than_a_day_is_an_alarm_on_the_page_and_for_letters(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    save(home, day="20")
    crowd(home, 31)
    [backlog, used] = alarmed(home)
    assert (backlog.kind, used.kind) == (AlarmKind.BACKLOG, AlarmKind.LIMIT_NEARLY_USED)
    assert backlog.since == home.clock.now
    assert list(seen(home).alarms) == [backlog, used]


def test_a_held_account_is_told_with_its_cause_and_the_servers_words_cut(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    said = "5.4.5 Daily sending limit exceeded " + "x" * 1000
    with home.context.database.writing() as connection:
        hold.hold(connection, Cause.QUOTA, said, home.clock.now)
    home.subscribe(ANN)
    held = seen(home).held
    assert held is not None
    assert held.what == "Your mail account has reached its sending limit"
    assert held.words.endswith("…")
    assert len(held.words) == 240
    [alarm] = alarmed(home)
    assert (alarm.kind, alarm.heading) == (AlarmKind.HELD, held.what)
    assert "1 email waits" in alarm.sentence


def test_the_last_refusals_are_told_in_plain_words_newest_first(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    answers = {
        "full": "552 5.2.2 The mailbox is over quota",
        "later": "451 4.7.1 Greylisted",
        "gone": HARD,
    }
    for name, answer in answers.items():
        smtp_sink.refuse(f"{name}@example.org", answer)
        home.subscribe(f"{name}@example.org")
        home.deliver()
        home.clock.advance(timedelta(seconds=1))
    told = seen(home).refusals
    assert [(one.meaning, one.fails) for one in told] == [
        ("There is no such address.", True),
        ("Their mail server asked for a little patience. The email is tried again.", False),
        ("Their mailbox is full. The email is tried again.", False),
    ]
    assert [one.words for one in told] == list(reversed(answers.values()))
    smtp_sink.welcome("later@example.org")
    home.live(hours=5)
    assert "451" not in " ".join(one.words for one in seen(home).refusals)


def test_no_more_than_ten_refusals_are_told(home: Installation, smtp_sink: SmtpSink) -> None:
    for number in range(12):
        smtp_sink.refuse(f"p{number}@example.org", f"451 4.7.1 Number {number}, wait")
    crowd(home, 12)
    assert len(seen(home).refusals) == 10


def test_a_month_counts_what_was_sent_came_back_and_was_reported(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    smtp_sink.refuse("p4@example.org")
    crowd(home, 5)
    bounced = news(
        home,
        EventKind.BOUNCED,
        home.clock.now,
        address="p0@example.org",
        permanent=True,
        reason=HARD,
    )
    soft = news(
        home, EventKind.BOUNCED, home.clock.now, address="p1@example.org", reason="451 4.7.1 Later"
    )
    tell(home, [bounced, soft])
    report_event(home, EventKind.COMPLAINED, recipient="p2@example.org")
    month = seen(home).month
    assert month == MonthFigures(accepted=4, returned=1, turned_away=1, complained=1)
    assert (month.bounced, month.sent, month.bounce_share) == (2, 5, 0.4)
    assert month.complaint_share == 0.25
    home.clock.advance(timedelta(days=31))
    assert seen(home).month == MonthFigures()


def test_a_mailbox_that_cannot_be_read_is_an_alarm(home: Installation) -> None:
    began = home.clock.now
    with home.context.database.writing() as connection:
        mailboxes.take_lease(connection, MAILBOX, "reader", began, began)
        mailboxes.end_reading(connection, MAILBOX, "reader", "It takes no login.", began)
    home.clock.advance(timedelta(hours=2))
    [alarm] = alarmed(home)
    assert (alarm.kind, alarm.since) == (AlarmKind.MAILBOX_UNREAD, began)
    assert "It takes no login." in alarm.sentence


def test_a_new_domain_begins_slowly_from_when_it_was_said_until_it_is_stopped(
    home: Installation,
) -> None:
    save(home, day="1500")
    assert choices.begin_warm_up(home.context.database, home.clock.now)
    home.clock.advance(timedelta(days=2))
    assert not choices.begin_warm_up(home.context.database, home.clock.now)
    warming = seen(home).warming
    assert warming is not None
    assert (warming.day, warming.allowed, warming.last_day) == (3, 98, 11)
    home.clock.advance(timedelta(days=9))
    assert (seen(home).warming, seen(home).warming_since is None) == (None, False)
    choices.end_warm_up(home.context.database)
    assert seen(home).warming_since is None


def test_a_series_is_never_held_back_by_warming_up(home: Installation, smtp_sink: SmtpSink) -> None:
    choices.begin_warm_up(home.context.database, home.clock.now)
    crowd(home, 60)
    assert len(smtp_sink.mails) == 60


def test_a_test_goes_to_the_owner_and_counts(home: Installation, smtp_sink: SmtpSink) -> None:
    result = try_account(home.context.dispatch, OWNER, home.clock.now)
    assert result.accepted
    assert result.sentence == (
        f"Your mail server has taken the test. It answered 250. Look in the inbox of {OWNER}."
    )
    [mail] = smtp_sink.mails_to(OWNER)
    assert mail.message["Subject"] == "[Test] Your mail account works"
    assert "It has arrived" in text_of(mail)
    assert seen(home).used[Window.MINUTE] == 1


def test_a_test_that_is_refused_says_why_and_does_not_count(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    smtp_sink.answers["MAIL"] = "535 5.7.139 basic authentication is disabled"
    result = try_account(home.context.dispatch, OWNER, home.clock.now)
    assert not result.accepted
    assert "Your mail server does not accept" in result.sentence
    assert "5.7.139 basic authentication is disabled" in result.sentence
    assert home.rows(offers) == []


def test_no_test_leaves_once_the_limit_is_used_up(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    save(home, day="1")
    assert try_account(home.context.dispatch, OWNER, home.clock.now).accepted
    second = try_account(home.context.dispatch, OWNER, home.clock.now)
    assert (second.accepted, len(smtp_sink.mails)) == (False, 1)
    assert "can send no more" in second.sentence


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(), "there is no limit"),
        (Limits(day=1500), "at most 1,500 in 24 hours"),
        (Limits(connections=1), "any number, over 1 connection"),
        (
            Limits(30, None, 10_000, 3),
            "at most 30 a minute and 10,000 in 24 hours, over 3 connections",
        ),
    ],
)
def test_limits_are_said_in_one_breath(limits: Limits, said: str) -> None:
    assert say_limits(limits) == said


@pytest.mark.parametrize("cause", Cause)
def test_every_answer_about_the_account_has_words(cause: Cause) -> None:
    assert what_it_means(Refusal(Blame.ACCOUNT, cause=cause)).endswith(".")


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(Blame.CONNECTION),
        Refusal(Blame.CONTENT, permanent=True),
        Refusal(Blame.RECIPIENT, permanent=True),
        Refusal(Blame.RECIPIENT, permanent=True, unclear=True),
    ],
)
def test_every_other_answer_has_words(refusal: Refusal) -> None:
    assert what_it_means(refusal).endswith(".")
