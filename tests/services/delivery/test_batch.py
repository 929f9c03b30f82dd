"""Delivery: every email once, whatever the mail server answers."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.delivery import batch
from nurture.services.reports import status
from nurture.store.queries.due import due_enrolments
from nurture.store.tables import instance
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation, link_in
from tests.installations import ScriptedSink
from tests.servers.smtp import SmtpSink
from tests.vocabulary import (
    ACCEPTED,
    ANN,
    DEFERRED,
    FAILED,
    FIRST,
    GUIDE,
    SECOND,
    on_the_way_to_the_first_article,
)


@contextmanager
def no_mail_server() -> Iterator[str]:
    """The URL of a port on which nothing listens."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield f"smtp://127.0.0.1:{nobody.getsockname()[1]}"


def test_a_signup_gets_its_guide_immediately_and_the_first_article_when_due(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    home.subscribe(ANN, first_name="Ann")
    home.deliver()
    [guide] = smtp_sink.mails
    assert guide.recipients == (ANN,)
    assert link_in(guide, "guide").startswith("https://emails.example.org/guide/")
    home.collect()
    home.live(days=3)
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED), (FIRST, ACCEPTED)]
    assert smtp_sink.mails[1].message["Date"].datetime == datetime(2026, 3, 5, 8, 30, tzinfo=UTC)


def test_waking_the_workers_repeatedly_sends_nothing_twice(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    home.subscribe(ANN)
    for _ in range(5):
        batch.deliver_batch(home.context.dispatch)
    assert len(smtp_sink.mails) == 1
    assert batch.deliver_batch(home.context.dispatch).looked_at == 0


def test_a_full_batch_reports_that_more_is_due(home: Installation, smtp_sink: SmtpSink) -> None:
    for n in range(3):
        home.subscribe(f"p{n}@example.org")
    small = home.another(NURTURE_BATCH="2")
    assert batch.deliver_batch(small.dispatch).full
    assert not batch.deliver_batch(small.dispatch).full
    small.database.close()
    assert len(smtp_sink.mails) == 3


def test_a_mail_server_outage_loses_nothing_and_leaves_nothing_in_doubt(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    people = [f"p{n}@example.org" for n in range(60)]
    on_the_way_to_the_first_article(home, *people)
    with no_mail_server() as url:
        away = home.another(NURTURE_SMTP_URL=url)
        report = batch.deliver_batch(away.dispatch)
        away.database.close()
    assert not report.full
    of_article = [row for row in home.rows(messages) if row["step"] == FIRST]
    assert {row["status"] for row in of_article} <= {DEFERRED}
    home.clock.advance(timedelta(minutes=1))
    home.deliver()
    of_article = [row for row in home.rows(messages) if row["step"] == FIRST]
    assert [row["status"] for row in of_article] == [ACCEPTED] * 60
    assert len(smtp_sink.mails) == 120


def test_a_greylisted_address_is_retried_only_after_a_delay(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    smtp_sink.greylist(ANN, times=2)
    home.subscribe(ANN)
    home.deliver()
    assert home.statuses(ANN) == [(GUIDE, DEFERRED)]
    home.clock.advance(timedelta(minutes=4))
    assert home.deliver() == 0
    home.clock.advance(timedelta(minutes=1))
    assert home.deliver() == 1
    home.clock.advance(timedelta(minutes=9))
    assert home.deliver() == 0
    home.clock.advance(timedelta(minutes=1))
    home.deliver()
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED)]
    assert home.messages_of(ANN)[0]["attempt"] == 3
    assert len(smtp_sink.mails) == 1


def test_an_address_deferred_for_five_days_is_given_up_and_the_sequence_continues(
    sqlite_home: Installation, smtp_sink: SmtpSink
) -> None:
    home = sqlite_home
    on_the_way_to_the_first_article(home, ANN)
    due_at = home.clock.now
    smtp_sink.greylist(ANN, times=1000)
    while home.statuses(ANN)[-1] in [(GUIDE, ACCEPTED), (FIRST, DEFERRED)]:
        look = home.next_look()
        assert look is not None
        home.clock.set(max(look, home.clock.now))
        home.deliver()
    assert home.statuses(ANN)[1] == (FIRST, FAILED)
    assert home.clock.now - due_at >= timedelta(days=5)
    smtp_sink.welcome(ANN)
    home.live(days=8)
    assert (SECOND, ACCEPTED) in home.statuses(ANN)


def test_a_nonexistent_address_is_suppressed_and_its_enrolment_ends(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    smtp_sink.refuse(ANN)
    home.subscribe(ANN)
    home.deliver()
    assert home.statuses(ANN) == [(GUIDE, FAILED)]
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.SUPPRESSED
    [suppressed] = home.rows(suppressions)
    assert suppressed["reason"] == SuppressionReason.BOUNCED
    assert "No such user" in suppressed["detail"]
    [bounced] = home.rows(events)
    assert (bounced["kind"], bounced["source"]) == ("bounced", "smtp")
    smtp_sink.welcome(ANN)
    home.live(days=60)
    assert smtp_sink.mails == []


def test_a_policy_refusal_blames_the_email_and_not_the_address(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    on_the_way_to_the_first_article(home, ANN)
    smtp_sink.refuse(ANN, "554 5.7.1 Message rejected as spam")
    home.deliver()
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED), (FIRST, FAILED)]
    assert home.rows(suppressions) == []
    smtp_sink.welcome(ANN)
    home.live(days=7)
    assert home.statuses(ANN)[2:] == [(SECOND, ACCEPTED)]


def test_a_message_refused_for_its_content_fails_and_the_sequence_continues(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_way_to_the_first_article(home, ANN)
    smtp_sink.script = lambda _: "554 5.6.0 Content refused"
    home.deliver()
    smtp_sink.script = None
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED), (FIRST, FAILED)]
    assert home.messages_of(ANN)[1]["code"] == 554
    assert home.rows(suppressions) == []
    home.live(days=7)
    assert home.statuses(ANN)[2:] == [(SECOND, ACCEPTED)]


def test_a_refused_address_does_not_affect_the_others(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    smtp_sink.refuse("nobody@example.org")
    for address in (ANN, "nobody@example.org", "bob@example.org"):
        home.subscribe(address)
    home.deliver()
    assert home.statuses(ANN) == home.statuses("bob@example.org") == [(GUIDE, ACCEPTED)]
    assert home.statuses("nobody@example.org") == [(GUIDE, FAILED)]


def test_a_database_armed_for_another_instance_sends_nothing_until_armed(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    with home.context.database.writing() as connection:
        instance.arm(connection, "another-instance", home.clock.now)
    home.subscribe(ANN)
    batch.deliver_batch(home.context.dispatch)
    assert (smtp_sink.mails, home.rows(messages)) == ([], [])
    context, now = home.context, home.clock.now
    standing = status.status(context.database, context.fingerprint, context.witness, now)
    assert not standing["armed"]
    status.arm(context.database, context.fingerprint, context.witness, now)
    home.deliver()
    assert len(smtp_sink.mails) == 1


def test_every_message_names_the_revision_it_was_made_from(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    from nurture.store.tables.revisions import revisions_of

    home.subscribe(ANN)
    home.deliver()
    [message] = home.messages_of(ANN)
    with home.context.database.reading() as connection:
        [revision] = revisions_of(connection, [message["revision_id"]])
    assert (revision.kind, revision.key) == ("email", "pain-guide/your-guide")
    assert smtp_sink.mails[0].message["Subject"] == revision.compiled["subject"]


def test_a_person_in_two_sequences_gets_at_most_one_email_a_day(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    for form in ("pain-guide", "over-50-guide"):
        home.subscribe(ANN, form)
    home.deliver()
    assert len(smtp_sink.mails) == 2
    for form in ("pain-guide", "over-50-guide"):
        home.collect(home.enrolment(ANN, form)["id"])
    home.live(days=60)
    times = sorted(mail.message["Date"].datetime for mail in smtp_sink.mails[2:])
    assert len(times) == 15
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= timedelta(hours=23)


def test_a_person_who_wants_fewer_emails_gets_one_a_week(
    sqlite_home: Installation, smtp_sink: SmtpSink
) -> None:
    from nurture.store.tables.subscribers import change_subscriber

    home = sqlite_home
    on_the_way_to_the_first_article(home, ANN)
    with home.context.database.writing() as connection:
        change_subscriber(connection, home.person(ANN)["id"], frequency="fewer")
    home.live(days=100)
    times = [mail.message["Date"].datetime for mail in smtp_sink.mails[1:]]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == 8
    assert min(gaps) >= timedelta(days=7) - timedelta(hours=1)


def test_a_requested_guide_is_sent_before_everything_due_earlier(home: Installation) -> None:
    home.subscribe(ANN)
    home.deliver()
    home.collect()
    home.clock.advance(timedelta(days=30))
    home.subscribe("bob@example.org")
    with home.context.database.writing() as connection:
        [first] = due_enrolments(connection, home.clock.now, 1)
        both = due_enrolments(connection, home.clock.now, 5)
    assert first.address == "bob@example.org"
    assert [one.address for one in both] == ["bob@example.org", ANN]
