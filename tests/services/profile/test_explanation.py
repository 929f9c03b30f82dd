"""Explaining one person: in sentences, with every reason why an email is or is not sent."""

from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import Code, Reason
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.subscribers.preferences import PreferenceChange, Wish
from nurture.services.delivery import pause
from nurture.services.inbound import events
from nurture.services.profile.explanation import Explanation, explain
from nurture.services.simulation.snapshot import NobodyError
from nurture.services.subscribers import preferences
from nurture.store.tables.message_changes import set_status
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.journeys.virtual import booking

ANNA = "anna@example.org"
THURSDAY = datetime(2026, 4, 2, 9, tzinfo=UTC)
FIRST = "why-stretching-and-massage-wont-solve-back-pain"
WORDING = (
    "Not making progress with your rehab? Subscribe below and find out how to get moving with our "
    "FREE 21 page guide."
)


def explained(home: Installation, address: str = ANNA, armed: bool = True) -> Explanation:
    """Return what is said about a person now."""
    context = home.context
    return explain(context.database, context.catalogue, address, home.clock.now, armed=armed)


@pytest.fixture
def anna(sqlite_home: Installation) -> Installation:
    """An installation in which Anna signed up on the Thursday before Easter and got the guide."""
    sqlite_home.clock.set(THURSDAY)
    sqlite_home.subscribe(ANNA, first_name="Anna", ticked=())
    sqlite_home.deliver()
    return sqlite_home


def prefer(home: Installation, wish: Wish) -> None:
    """Choose a frequency on the preference page."""
    context, change = home.context, PreferenceChange(wish, False, False)
    args = (context.database, context.catalogue, 1, change, Evidence(), home.clock.now)
    preferences.change_preferences(*args)


def test_the_whole_explanation_reads_as_sentences(home: Installation) -> None:
    home.clock.set(THURSDAY)
    home.subscribe(ANNA, first_name="Anna")
    home.deliver()
    home.clock.advance(timedelta(minutes=30))
    home.collect()
    assert explained(home).sentences == [
        "Anna (anna@example.org) signed up on Thursday 2 April 2026 at 10:00 through the form "
        "“pain-guide”.",
        "They confirmed the address on Thursday 2 April 2026 at 10:30.",
        "They are new: they collected a guide (“pain-guide/your-guide”) on Thursday 2 April 2026 "
        "at 10:30.",
        "They agree to: guide, series of “pain-guide”.",
        "The series of emails of the form “pain-guide” may be sent: they agreed, and "
        "the address is confirmed.",
        f"New articles may not be sent: they agreed to “{WORDING}”, and that does not cover new "
        "articles.",
        f"News and offers may not be sent: they agreed to “{WORDING}”, and that does not cover "
        "news and offers.",
        "“your-guide” (pain-guide) was sent on Thursday 2 April 2026 at 10:00.",
        f"Next comes “{FIRST}” (pain-guide) on Tuesday 7 April 2026 at 08:30.",
        "Its wait of 2 days counts from Thursday 2 April 2026 at 10:30 and is over on Saturday "
        "4 April 2026 at 10:30.",
        "It goes out on working days at 08:30.",
        "Monday 6 April is a bank holiday.",
        "They are in no segment.",
    ]
    assert explained(home).next_at == datetime(2026, 4, 7, 7, 30, tzinfo=UTC)


def test_the_explanation_says_that_everything_waits_for_the_guide(anna: Installation) -> None:
    said = explained(anna)
    assert "They have not confirmed the address yet." in said.who
    assert said.next.startswith("Next comes “guide-reminder”")
    assert any("has not been collected yet" in reason for reason in said.why_not_sooner)
    anna.live(days=20)
    said = explained(anna)
    assert said.next == ("No emails planned: the guide of “pain-guide” has not been collected yet.")
    assert said.next_at is None


def test_the_explanation_mentions_a_pause_and_a_wish_for_fewer_emails(anna: Installation) -> None:
    anna.collect()
    prefer(anna, Wish.FEWER)
    prefer(anna, Wish.PAUSED)
    said = explained(anna)
    assert "They asked for a pause until Saturday 2 May 2026 at 10:00." in said.who
    assert "They want fewer emails: at most one a week." in said.who
    assert said.why_not_sooner[-2].startswith(f"“{FIRST}” is held back until Saturday 2 May")
    assert "they asked for a pause" in said.why_not_sooner[-2]


def test_the_explanation_says_that_the_sequence_is_paused(anna: Installation) -> None:
    anna.collect()
    pause.pause(anna.context.database, anna.context.catalogue, "pain-guide", anna.clock.now)
    assert explained(anna).next == "No emails planned: “pain-guide” is paused."
    anna.live(days=10)
    assert explained(anna).next == "No emails planned: “pain-guide” is paused."


def test_the_explanation_says_that_they_unsubscribed(anna: Installation) -> None:
    anna.collect()
    prefer(anna, Wish.STOPPED)
    assert explained(anna).next == "No emails planned: they unsubscribed."


def test_the_explanation_says_that_they_booked(anna: Installation) -> None:
    anna.collect()
    anna.clock.advance(timedelta(hours=1))
    context = anna.context
    told = [booking(ANNA, anna.clock.now)]
    events.record_bookings(
        context.database, context.catalogue, context.tokens, told, anna.clock.now
    )
    said = explained(anna)
    assert said.next == "No emails planned: they booked, so “pain-guide” ended."
    assert any("booked a session" in sentence for sentence in said.who)


def test_the_explanation_quotes_a_mail_server_that_defers(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    smtp_sink.script = lambda _: "451 4.7.1 Come back later"
    sqlite_home.clock.set(THURSDAY)
    sqlite_home.subscribe(ANNA)
    sqlite_home.deliver()
    said = explained(sqlite_home)
    assert "put off" in said.sent[0].sentence
    assert "Come back later" in said.sent[0].sentence
    assert said.next_at == THURSDAY + timedelta(minutes=5)
    assert any(
        "“your-guide” is put off after attempt 1" in reason for reason in said.why_not_sooner
    )


def test_the_explanation_of_a_message_in_doubt_names_the_settle_command(anna: Installation) -> None:
    with anna.context.database.writing() as connection:
        set_status(connection, [1], MessageStatus.IN_DOUBT, Reason(Code.WORKER_STOPPED_DURING))
    [mail] = explained(anna).sent
    assert mail.sentence == (
        "“your-guide” (pain-guide) may or may not have been sent on Thursday 2 April 2026 at "
        "10:00: the worker stopped while the mail server was taking it. Say what is so with "
        "“nurture settle 1”."
    )


def test_the_explanation_says_that_a_copy_is_not_armed(anna: Installation) -> None:
    assert any("not armed" in reason for reason in explained(anna, armed=False).why_not_sooner)


def test_an_unknown_address_cannot_be_explained(anna: Installation) -> None:
    with pytest.raises(NobodyError, match=r"nobody with the address bob@example\.org"):
        explained(anna, "bob@example.org")
