"""Delivery under stress: many workers together, dying workers, a mail server that hangs up."""

import multiprocessing
import threading
from collections import Counter
from datetime import timedelta
from multiprocessing.synchronize import Barrier as ProcessBarrier
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from sqlalchemy import update

from nurture.clock import real_now
from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.mail.mailer import Envelope
from nurture.services.delivery.batch import WINDOW, deliver_batch
from nurture.services.delivery.claim import claim_due
from nurture.services.delivery.dispatch import Dispatch
from nurture.services.delivery.recovery import recover_silent
from nurture.store.tables.message_changes import begin_sending
from nurture.store.tables.messages import messages
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.presence import at_least_one
from tests.servers.clock import ClockFile
from tests.servers.smtp import SmtpSink
from tests.vocabulary import (
    ACCEPTED,
    ANN,
    DEFERRED,
    FIRST,
    GUIDE,
    IN_DOUBT,
    SECOND,
    claim,
    claim_and_begin,
    hang_up_after_the_dot,
    on_the_way_to_the_first_article,
)

PEOPLE = [f"p{n}@example.org" for n in range(300)]


def recipients(smtp_sink: SmtpSink) -> Counter[str]:
    """Return how many emails each address was sent."""
    return Counter(to for mail in smtp_sink.mails for to in mail.recipients)


def expire_leases(home: Installation) -> None:
    """Expire the workers' leases, as if they had not been heard of for a long time."""
    with home.context.database.writing() as connection:
        long_ago = real_now() - timedelta(hours=1)
        connection.execute(
            update(messages).where(messages.c.lease_until.is_not(None)).values(lease_until=long_ago)
        )


def test_eight_workers_at_once_send_each_of_three_hundred_emails_once(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    for address in PEOPLE:
        home.subscribe(address)
    contexts = [home.another(NURTURE_BATCH="40") for _ in range(8)]
    dispatches = [context.dispatch for context in contexts]
    together, failures = threading.Barrier(8), []

    def work(dispatch: Dispatch) -> None:
        together.wait()
        try:
            while deliver_batch(dispatch).looked_at:
                pass
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(dispatch,)) for dispatch in dispatches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for context in contexts:
        context.dispatch.mailer.close()
        context.database.close()
    assert failures == []
    assert recipients(smtp_sink) == Counter(PEOPLE)
    assert Counter(row["status"] for row in home.rows(messages)) == {ACCEPTED: 300}


def _work_in_a_process(home: Installation, together: ProcessBarrier) -> None:
    context = home.another(NURTURE_BATCH="25")
    dispatch = context.dispatch
    together.wait(30)
    while deliver_batch(dispatch).looked_at:
        pass


def test_four_processes_at_once_send_each_email_once(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    for address in PEOPLE[:100]:
        home.subscribe(address)
    context = multiprocessing.get_context("fork")
    together = context.Barrier(4)
    outside = Installation(home.url, home.directory, home.clock, home.smtp_url)
    workers = [
        context.Process(target=_work_in_a_process, args=(outside, together)) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert recipients(smtp_sink) == Counter(PEOPLE[:100])


def test_at_most_one_window_is_marked_as_sending_before_its_first_byte_leaves(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in PEOPLE[:100]:
        home.subscribe(address)
    seen: list[Counter[str]] = []
    mailer = home.context.dispatch.mailer
    offer = mailer.offer

    def watch(envelopes: Any, connections: int | None) -> Any:
        def watched() -> Any:
            for number, envelope in at_least_one(enumerate(envelopes)):
                if number % 10 == 0:
                    seen.append(Counter(row["status"] for row in home.rows(messages)))
                assert isinstance(envelope, Envelope)
                yield envelope

        return offer(watched(), connections)

    monkeypatch.setattr(mailer, "offer", watch)
    home.deliver()
    assert seen[0] == {
        MessageStatus.SENDING: WINDOW,
        MessageStatus.CLAIMED: 100 - WINDOW,
    }
    # Until the answers to the window before are recorded, both count as being sent.
    assert max(one[MessageStatus.SENDING] for one in seen) <= 2 * WINDOW


def test_a_message_a_dead_worker_only_claimed_is_sent_once_by_another(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    home.subscribe(ANN)
    claim(home)
    assert recover_silent(home.context.database, home.context.logbooks, home.clock.now) == 0
    expire_leases(home)
    assert recover_silent(home.context.database, home.context.logbooks, home.clock.now) == 1
    assert home.statuses(ANN) == [(GUIDE, DEFERRED)]
    home.deliver()
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED)]
    assert len(smtp_sink.mails) == 1


def test_a_late_worker_cannot_send_messages_taken_over_by_another(home: Installation) -> None:
    home.subscribe(ANN)
    late = claim(home)
    expire_leases(home)
    recover_silent(home.context.database, home.context.logbooks, home.clock.now)
    home.deliver()
    [message] = home.messages_of(ANN)
    with home.context.database.writing() as connection:
        assert begin_sending(connection, late, [message["id"]], real_now()) == set()


def test_an_article_in_doubt_is_not_sent_again_and_the_sequence_continues(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    on_the_way_to_the_first_article(home, ANN)
    claim_and_begin(home)
    expire_leases(home)
    home.deliver()
    home.live(days=7)
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED), (FIRST, IN_DOUBT), (SECOND, ACCEPTED)]
    assert len(smtp_sink.mails) == 2


def test_a_guide_in_doubt_is_offered_once_more_under_the_same_message_id(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    hang_up_after_the_dot(smtp_sink, times=5)
    home.subscribe(ANN)
    home.deliver()
    assert home.statuses(ANN) == [(GUIDE, IN_DOUBT)]
    home.live(days=2)
    assert home.statuses(ANN) == [(GUIDE, IN_DOUBT)]
    once, again = smtp_sink.mails
    assert once.message["Message-ID"] == again.message["Message-ID"]


def test_a_guide_deferred_and_then_in_doubt_is_still_offered_once_more(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    smtp_sink.greylist(ANN)
    hang_up_after_the_dot(smtp_sink)
    home.subscribe(ANN)
    home.live(days=1)
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED)]
    assert len(smtp_sink.mails) == 2


def test_a_collected_guide_in_doubt_is_not_offered_again(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    hang_up_after_the_dot(smtp_sink)
    home.subscribe(ANN)
    home.deliver()
    home.clock.advance(timedelta(minutes=2))
    home.collect()
    home.live(days=1)
    assert len(smtp_sink.mails) == 1


def test_a_connection_lost_after_the_final_dot_never_sends_an_article_twice(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_way_to_the_first_article(home, ANN)
    hang_up_after_the_dot(smtp_sink)
    home.deliver()
    assert home.statuses(ANN)[1] == (FIRST, IN_DOUBT)
    home.live(days=7)
    assert home.statuses(ANN)[2] == (SECOND, ACCEPTED)
    assert len(smtp_sink.mails) == 3


def test_a_guide_requested_again_while_an_article_is_being_sent_is_still_sent(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_way_to_the_first_article(home, ANN)

    def ask_again_meanwhile(_: SMTP) -> None:
        smtp_sink.script = None
        home.subscribe(ANN)

    smtp_sink.script = ask_again_meanwhile
    home.deliver()
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED), (FIRST, ACCEPTED), (GUIDE, ACCEPTED)]


def test_a_message_deferred_until_its_step_is_skipped_is_cancelled(
    sqlite_home: Installation, smtp_sink: SmtpSink
) -> None:
    home = sqlite_home
    home.subscribe(ANN)
    home.deliver()
    look = home.next_look()
    assert look is not None
    home.clock.set(look)
    smtp_sink.greylist(ANN)
    home.deliver()
    assert home.statuses(ANN)[1] == ("guide-reminder", DEFERRED)
    home.clock.advance(timedelta(days=8))
    home.deliver()
    assert home.statuses(ANN)[1] == ("guide-reminder", MessageStatus.CANCELLED)
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE


def test_two_workers_at_once_respect_the_frequency_cap_across_two_sequences(
    postgresql_url: str, tmp_path: Path, clock_file: ClockFile, smtp_sink: SmtpSink
) -> None:
    home = Installation(postgresql_url, tmp_path, clock_file, smtp_sink.url).publish_shipped()
    for form in ("pain-guide", "over-50-guide"):
        home.subscribe(ANN, form)
    home.deliver()
    for form in ("pain-guide", "over-50-guide"):
        home.collect(home.enrolment(ANN, form)["id"])
    home.clock.advance(timedelta(days=4, hours=3))
    one, other = (home.another(NURTURE_BATCH="1").database for _ in range(2))
    with one.writing() as first, other.writing() as second:
        published = home.context.catalogue.current(first)
        batches = [
            claim_due(connection, published, home.clock.now, real_now(), 1)
            for connection in (first, second)
        ]
    for database in (one, other, home.context.database):
        database.close()
    assert sum(len(batch.claimed) for batch in batches) == 1
