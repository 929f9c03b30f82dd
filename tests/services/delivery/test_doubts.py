"""Settling doubts: what the owner decides about messages is done, and nothing more."""

import pytest
from click.testing import CliRunner

from nurture.cli import main
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.services.delivery import doubts
from nurture.services.delivery.doubts import NotInDoubtError, Settled
from nurture.services.subscribers.preferences import stop
from tests.installation import Installation, calendly_call
from tests.installations import ScriptedSink
from tests.vocabulary import (
    ACCEPTED,
    ANN,
    FIRST,
    GUIDE,
    IN_DOUBT,
    SECOND,
    hang_up_after_the_dot,
    on_the_way_to_the_first_article,
)

BOB = "bob@example.org"


def settle(home: Installation, message: int, *, sent: bool) -> Settled:
    """Run the command."""
    context = home.context
    return doubts.settle(context.database, context.catalogue, message, sent, home.clock.now)


@pytest.fixture
def doubtful(home: Installation, smtp_sink: ScriptedSink) -> Installation:
    """An installation in which message 2, Ann's first article, is in doubt."""
    on_the_way_to_the_first_article(home, ANN)
    hang_up_after_the_dot(smtp_sink)
    home.deliver()
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED), (FIRST, IN_DOUBT)]
    return home


def test_a_message_settled_as_sent_counts_as_accepted_and_is_not_offered_again(
    doubtful: Installation, smtp_sink: ScriptedSink
) -> None:
    assert settle(doubtful, 2, sent=True) is Settled.SENT
    doubtful.live(days=7)
    assert doubtful.statuses(ANN) == [(GUIDE, ACCEPTED), (FIRST, ACCEPTED), (SECOND, ACCEPTED)]
    assert len(smtp_sink.mails) == 3 - 1 + 1


def test_a_message_settled_as_not_sent_is_offered_again_under_the_same_message_id(
    doubtful: Installation, smtp_sink: ScriptedSink
) -> None:
    assert settle(doubtful, 2, sent=False) is Settled.OFFERED_AGAIN
    doubtful.deliver()
    assert doubtful.statuses(ANN) == [(GUIDE, ACCEPTED), (FIRST, ACCEPTED)]
    once, again = smtp_sink.mails[1:]
    assert once.message["Message-ID"] == again.message["Message-ID"]
    doubtful.live(days=7)
    assert doubtful.statuses(ANN)[2] == (SECOND, ACCEPTED)
    assert len(smtp_sink.mails) == 4


def test_a_message_settled_outside_its_hours_waits_for_the_next_opening(
    doubtful: Installation, smtp_sink: ScriptedSink
) -> None:
    doubtful.live(hours=14)
    assert settle(doubtful, 2, sent=False) is Settled.OFFERED_AGAIN
    doubtful.deliver()
    assert len(smtp_sink.mails) == 2
    doubtful.live(hours=10)
    assert doubtful.statuses(ANN)[1] == (FIRST, ACCEPTED)


def test_an_article_in_doubt_is_dropped_once_its_successor_was_sent(
    doubtful: Installation, smtp_sink: ScriptedSink
) -> None:
    doubtful.live(days=7)
    sent = len(smtp_sink.mails)
    assert settle(doubtful, 2, sent=False) is Settled.LET_GO
    doubtful.deliver()
    assert len(smtp_sink.mails) == sent


def test_nothing_is_offered_again_to_someone_who_unsubscribed(
    doubtful: Installation, smtp_sink: ScriptedSink
) -> None:
    with doubtful.context.database.writing() as connection:
        from nurture.domain.subscribers.consent import Evidence
        from nurture.store.queries.locks import hold_subscriber

        person = hold_subscriber(connection, doubtful.person(ANN)["id"])
        assert person
        stop(connection, person, None, "1", Evidence(), doubtful.clock.now)
    assert settle(doubtful, 2, sent=False) is Settled.LET_GO
    doubtful.live(days=2)
    assert len(smtp_sink.mails) == 2
    assert doubtful.enrolment(ANN)["status"] == EnrolmentStatus.UNSUBSCRIBED


def test_nothing_is_offered_again_after_the_goal(
    doubtful: Installation, smtp_sink: ScriptedSink
) -> None:
    assert calendly_call(doubtful, "invitee.created", ANN, "1").status_code < 300
    assert settle(doubtful, 2, sent=False) is Settled.LET_GO
    doubtful.live(days=2)
    assert len(smtp_sink.mails) == 2


def test_the_owner_can_have_a_guide_offered_a_third_time(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    hang_up_after_the_dot(smtp_sink, times=2)
    home.subscribe(ANN)
    home.deliver()
    home.live(hours=2)
    assert home.statuses(ANN) == [(GUIDE, IN_DOUBT)]
    assert settle(home, 1, sent=False) is Settled.OFFERED_AGAIN
    home.deliver()
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED)]
    assert len({mail.message["Message-ID"] for mail in smtp_sink.mails}) == 1


def test_the_last_step_of_a_sequence_can_still_be_offered_again(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home = sqlite_home
    on_the_way_to_the_first_article(home, ANN)
    while home.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE:
        last = "discovery-session" in home.messages_of(ANN)[-1]["step"]
        smtp_sink.script = None
        if last:
            hang_up_after_the_dot(smtp_sink)
        look = home.next_look()
        assert look is not None
        home.clock.set(max(look, home.clock.now))
        home.deliver()
    step, status = home.statuses(ANN)[-1]
    assert (step, status) == ("discovery-session-last-word", IN_DOUBT)
    assert settle(home, home.messages_of(ANN)[-1]["id"], sent=False) is Settled.OFFERED_AGAIN
    home.deliver()
    assert home.statuses(ANN)[-1] == (step, ACCEPTED)
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.COMPLETED


@pytest.mark.parametrize("message", [1, 99])
def test_a_message_that_is_not_in_doubt_cannot_be_settled(
    doubtful: Installation, message: int
) -> None:
    with pytest.raises(NotInDoubtError, match="nurture status"):
        settle(doubtful, message, sent=True)


def test_the_settle_command_settles_one_message_or_all(
    sqlite_home: Installation, smtp_sink: ScriptedSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = sqlite_home
    on_the_way_to_the_first_article(home, ANN, BOB)
    hang_up_after_the_dot(smtp_sink, times=2)
    home.deliver()
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    run = CliRunner().invoke
    assert "message 3: sent" in run(main, ["settle", "3", "--sent"]).output
    assert "message 4: offered again" in run(main, ["settle", "--all", "--not-sent"]).output
    assert "Nothing is in doubt" in run(main, ["settle", "--all", "--sent"]).output
    for wrong in (["3"], ["--sent"], ["3", "--all", "--sent"]):
        assert run(main, ["settle", *wrong]).exit_code == 2
