"""Taking in a mail: who it is about, what follows, and what an attacker cannot do."""

from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner

from nurture.cli import main
from nurture.domain.messages.status import MessageStatus
from nurture.domain.scheduling.gate import UNTIL_RESUMED
from nurture.domain.sequences.enrolment import EndReason
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Verdict
from nurture.library.folder import read_library
from nurture.library.sequences import parse_sequence
from nurture.services.profile.explanation import explain
from nurture.services.publishing import files
from nurture.services.reports import dashboard
from nurture.services.subscribers import on_behalf
from nurture.store.tables.events import events
from nurture.store.tables.suppressions import suppressions
from tests.installation import SHIPPED, Installation
from tests.servers.smtp import SmtpSink
from tests.services.inbound.inbound_mails import BOB, arrives, mail_of
from tests.vocabulary import ANN, GUIDE, claim, introduced, on_the_way_to_the_first_article

BOUNCE, REPLY, COMPLAINT = "dsn-postfix-user-unknown.eml", "reply-short.eml", "arf-yahoo.eml"


@pytest.fixture
def sent(home: Installation) -> Installation:
    """Ann and Bob have been sent their guides."""
    for address in (ANN, BOB):
        home.subscribe(address)
    home.deliver()
    return home


def about(home: Installation, name: str, **more: str) -> bytes:
    """Return a mail of the corpus about Ann's latest message."""
    data = mail_of(home, name, ANN, BOB, home.clock.now)
    for old, new in more.items():
        data = data.replace(old.encode(), new.encode())
    return data


def suppressed(home: Installation) -> set[str]:
    return {row["reason"] for row in home.rows(suppressions)}


def with_bounce_address(home: Installation) -> Installation:
    """Return the same installation as it is with an address for reports."""
    again = Installation(home.url, home.directory, home.clock, home.smtp_url)
    again.settings = {"NURTURE_BOUNCE_ADDRESS": "bounces@practice.example"}
    return again


def replying(home: Installation, said: str) -> None:
    """Publish the shipped series with what is to happen when someone replies."""
    library = read_library(SHIPPED)
    [series] = [one for one in library.sequences if one.sequence.key == "pain-guide"]
    changed = replace(series, toml=f'replied = "{said}"\n{series.toml}')
    changed = replace(changed, sequence=parse_sequence("pain-guide", changed.toml))
    files.publish(home.context.database, replace(library, sequences=(changed,)), home.clock.now)


def test_a_bounce_suppresses_the_address_once_however_often_it_is_read(sent: Installation) -> None:
    data = about(sent, BOUNCE)
    assert arrives(sent, data) is EventKind.BOUNCED
    before = sent.everything()
    arrives(sent, data)
    arrives(sent, b"Delivered-To: elsewhere@example.org\n" + data)
    assert sent.everything() == before
    assert suppressed(sent) == {"bounced"}
    assert sent.statuses(ANN) == [(GUIDE, MessageStatus.BOUNCED)]
    assert sent.statuses(BOB) == [(GUIDE, MessageStatus.ACCEPTED)]


def test_a_complaint_ends_everything(sent: Installation) -> None:
    assert arrives(sent, about(sent, COMPLAINT)) is EventKind.COMPLAINED
    assert suppressed(sent) == {"complained"}


def test_no_address_is_stored_with_a_report(sent: Installation) -> None:
    arrives(sent, about(sent, BOUNCE))
    [event] = sent.rows(events)
    assert "User unknown" in event["raw"]["reason"]
    assert ANN not in str(event["raw"])


def test_a_report_older_than_the_message_changes_nothing(sent: Installation) -> None:
    before = sent.everything()
    long_ago = sent.clock.now - timedelta(days=400)
    arrives(sent, mail_of(sent, BOUNCE, ANN, BOB, long_ago))
    assert sent.everything() == before


def test_a_message_never_offered_cannot_bounce(home: Installation) -> None:
    on_the_way_to_the_first_article(home, ANN, BOB)
    claim(home)
    before = home.everything()
    arrives(home, about(home, BOUNCE))
    assert home.everything() == before


def test_an_erased_person_gets_no_new_event(sent: Installation) -> None:
    data = about(sent, BOUNCE)
    result = CliRunner().invoke(main, ["forget", ANN, "--yes"], env=sent.environment)
    assert result.exit_code == 0, result.output
    before = sent.rows(events)
    arrives(sent, data)
    assert sent.rows(events) == before


def test_a_reply_is_a_sign_of_life_without_its_words(sent: Installation) -> None:
    assert arrives(sent, about(sent, REPLY)) is EventKind.REPLIED
    [event] = sent.rows(events)
    assert (event["kind"], event["verdict"], event["raw"]) == ("replied", Verdict.HUMAN, {})
    page = introduced(sent, sent.person(ANN)["id"])
    assert any(chapter.said.startswith("Replied to “") for chapter in page.story)
    context = sent.context
    overview = dashboard.oversee(*context.stored, context.fingerprint, 0, sent.clock.now)
    [one] = overview.needs.replied
    assert one.address == ANN


def test_a_reply_changes_no_series_unless_it_says_so(sent: Installation) -> None:
    before = sent.enrolment(ANN), sent.person(ANN)
    arrives(sent, about(sent, REPLY))
    assert (sent.enrolment(ANN), sent.person(ANN)) == before


def test_a_series_may_wait_for_the_owner_when_somebody_replies(
    sent: Installation, smtp_sink: SmtpSink
) -> None:
    replying(sent, "pause")
    sent.collect(sent.enrolment(ANN)["id"])
    arrives(sent, about(sent, REPLY))
    assert sent.person(ANN)["paused_until"] == UNTIL_RESUMED
    sent.live(days=20)
    assert len(sent.messages_of(ANN)) == 1
    said = explain(*sent.context.stored, ANN, sent.clock.now).sentences
    assert any("let them go on" in sentence for sentence in said)
    sent.subscribe(ANN)
    sent.deliver()
    assert [m.recipients for m in smtp_sink.mails].count((ANN,)) == 2, "a guide still answers"
    on_behalf.resume(sent.context.database, sent.person(ANN)["id"], sent.clock.now)
    sent.live(days=10)
    assert len(sent.messages_of(ANN)) > 2


def test_a_series_may_end_when_somebody_replies(sent: Installation) -> None:
    replying(sent, "stop")
    arrives(sent, about(sent, REPLY))
    ended = sent.enrolment(ANN)
    assert (ended["status"], ended["ended_because"]) == ("removed", EndReason.REPLIED)
    said = explain(*sent.context.stored, ANN, sent.clock.now).sentences
    assert any("they replied" in sentence for sentence in said)


def test_another_subscriber_cannot_reply_for_them(sent: Installation) -> None:
    before = sent.everything()
    data = mail_of(sent, REPLY, ANN, BOB, sent.clock.now)
    arrives(sent, data.replace(ANN.encode(), BOB.encode()))
    assert sent.everything() == before


def test_an_envelope_sender_says_which_message_came_back(
    sqlite_home: Installation, smtp_sink: SmtpSink
) -> None:
    home = with_bounce_address(sqlite_home)
    home.subscribe(ANN)
    home.deliver()
    [mail] = smtp_sink.mails
    path = mail.sender
    assert path.startswith("bounces+1.") and path.endswith("@practice.example")
    home.subscribe(BOB)
    home.deliver()
    report = mail_of(home, "old-body-only.eml", ANN, BOB, home.clock.now)
    assert arrives(home, report) is None
    assert arrives(home, report, path.replace(".", "x", 1)) is None
    assert arrives(home, report, path.upper()) is EventKind.BOUNCED
    assert home.statuses(ANN) == [(GUIDE, MessageStatus.BOUNCED)]


def test_an_envelope_sender_cannot_bounce_somebody_else(
    sqlite_home: Installation, smtp_sink: SmtpSink
) -> None:
    home = with_bounce_address(sqlite_home)
    for address in (ANN, BOB):
        home.subscribe(address)
    home.deliver()
    before = home.everything()
    bobs = smtp_sink.mails[1].sender
    arrives(home, mail_of(home, "old-body-only.eml", ANN, BOB, home.clock.now), bobs)
    assert home.everything() == before
