"""Pausing: a sequence stops except for its guides, and resumes without a flood."""

from datetime import timedelta
from itertools import pairwise

import pytest
from click.testing import CliRunner

from nurture.cli import main
from nurture.clock import real_now
from nurture.domain.messages.status import MessageStatus
from nurture.services.delivery import pause as sequence_pause
from nurture.services.delivery.claim import claim_due
from nurture.services.delivery.pause import UnknownSequenceError
from nurture.store.tables.message_changes import begin_sending
from nurture.store.tables.messages import messages
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.servers.smtp import SmtpSink
from tests.vocabulary import ACCEPTED, ANN, FIRST, GUIDE, SECOND, on_the_way_to_the_first_article

# Until claiming asks which sequences are paused.

PEOPLE = [f"p{n}@example.org" for n in range(20)]
REMINDER = "guide-reminder"


def pause(home: Installation, sequence: str = "pain-guide") -> bool:
    """Run the command."""
    context = home.context
    return sequence_pause.pause(context.database, context.catalogue, sequence, home.clock.now)


def resume(home: Installation, over: timedelta = sequence_pause.USUAL_SPAN) -> int:
    """Run the command."""
    context = home.context
    return sequence_pause.resume(
        context.database, context.catalogue, "pain-guide", home.clock.now, over
    )


def test_a_paused_sequence_sends_only_its_guides(home: Installation, smtp_sink: SmtpSink) -> None:
    on_the_way_to_the_first_article(home, ANN)
    assert pause(home)
    home.subscribe("bob@example.org")
    home.live(days=12)
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED)]
    assert home.statuses("bob@example.org") == [(GUIDE, ACCEPTED)]


def test_pausing_one_sequence_does_not_stop_another(
    sqlite_home: Installation, smtp_sink: SmtpSink
) -> None:
    home = sqlite_home
    on_the_way_to_the_first_article(home, ANN)
    assert pause(home, "over-50-guide")
    home.deliver()
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED), (FIRST, ACCEPTED)]


def test_resuming_spreads_the_overdue_emails_evenly_and_shifts_the_rest(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    on_the_way_to_the_first_article(home, *PEOPLE)
    pause(home)
    home.deliver()
    home.clock.advance(timedelta(days=13))
    before = len(smtp_sink.mails)
    assert resume(home, timedelta(days=1)) == len(PEOPLE)
    start = home.clock.now
    home.live(days=3)
    articles = smtp_sink.mails[before:]
    assert sorted(mail.recipients[0] for mail in articles) == sorted(PEOPLE)
    times = [mail.message["Date"].datetime for mail in articles]
    assert max(later - earlier for earlier, later in pairwise(times[:10])) < timedelta(hours=1)
    assert times[-1] > start + timedelta(hours=8)
    home.live(days=2)
    assert all(home.statuses(one)[-1] == (SECOND, ACCEPTED) for one in PEOPLE)


def test_a_claimed_message_is_cancelled_by_a_pause_and_sent_afterwards(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    on_the_way_to_the_first_article(home, ANN)
    context = home.context
    with context.database.writing() as connection:
        published = context.catalogue.current(connection)
        claim = claim_due(connection, published, context.clock(), real_now(), 100).claim.name
    pause(home)
    [_, article] = home.rows(messages)
    with context.database.writing() as connection:
        assert begin_sending(connection, claim, [article["id"]], real_now()) == set()
    home.deliver()
    assert home.statuses(ANN)[1] == (FIRST, MessageStatus.CANCELLED)
    assert resume(home) == 1
    home.live(days=1)
    assert home.statuses(ANN)[1] == (FIRST, ACCEPTED)


def test_a_pause_makes_no_step_too_late(home: Installation, smtp_sink: SmtpSink) -> None:
    home.subscribe(ANN)
    home.deliver()
    pause(home)
    home.live(days=12)
    resume(home)
    home.live(days=5)
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED), (REMINDER, ACCEPTED)]


def test_a_step_that_the_pause_did_not_delay_may_still_be_too_late(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    home.subscribe(ANN)
    home.deliver()
    pause(home)
    resume(home)
    home.clock.advance(timedelta(days=12))
    home.live(days=5)
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED)]


def test_nobody_is_looked_at_repeatedly_while_a_sequence_is_paused(
    sqlite_home: Installation,
) -> None:
    on_the_way_to_the_first_article(sqlite_home, ANN)
    pause(sqlite_home)
    sqlite_home.deliver()
    assert sqlite_home.deliver() == 0
    assert sqlite_home.next_look() is None or sqlite_home.next_look().year == 9999  # type: ignore[union-attr]


def test_pausing_or_resuming_twice_has_the_same_effect_as_once(home: Installation) -> None:
    on_the_way_to_the_first_article(home, ANN)
    assert [pause(home), pause(home)] == [True, False]
    home.deliver()
    assert [resume(home), resume(home)] == [1, 0]
    assert pause(home)


def test_a_sequence_that_does_not_exist_cannot_be_paused(sqlite_home: Installation) -> None:
    with pytest.raises(UnknownSequenceError, match="over-50-guide, pain-guide"):
        pause(sqlite_home, "knitting")


def test_the_commands_pause_and_resume_a_sequence(
    sqlite_home: Installation, smtp_sink: ScriptedSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = sqlite_home
    on_the_way_to_the_first_article(home, ANN)
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    run = CliRunner().invoke
    assert run(main, ["pause", "pain-guide"]).output == "Paused.\n"
    assert "already" in run(main, ["pause", "pain-guide"]).output
    home.deliver()
    assert "1 people" in run(main, ["resume", "pain-guide", "--over", "3 hours"]).output
    assert run(main, ["resume", "pain-guide", "--over", "soon"]).exit_code == 1
    assert run(main, ["pause", "knitting"]).exit_code == 1
