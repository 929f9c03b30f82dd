"""The account's connections: never more at once than allowed, whatever they are doing."""

import time
from collections.abc import Iterator

import pytest

from nurture.mail.mailer import Envelope
from nurture.mail.smtp.route import SmtpRoute
from nurture.mail.smtp.sending import SmtpMailer
from tests.faults.oracle import Oracle
from tests.faults.population import due_for_an_article
from tests.faults.workers import PlainWorkers, until
from tests.installation import Installation
from tests.presence import at_least_one
from tests.vocabulary import ANN

#: A guide leaves within this many seconds though all connections are busy.
HALF_A_MINUTE = 30.0


def check_connections(home: Installation, oracle: Oracle, connections: int) -> float:
    """Let two workers send slowly, and return how long a guide takes that is asked for meanwhile.

    The server allows no more connections than its account does, and takes its time to say goodbye.
    """
    home.settings = {"NURTURE_LIMIT_CONNECTIONS": str(connections), "NURTURE_WORKER_PROCESSES": "2"}
    home.__dict__.pop("context").database.close()  # This process keeps to them as well.
    oracle.make_room(connections)
    due = due_for_an_article(home, 600)
    oracle.delay(0.03)
    with PlainWorkers(home) as workers:
        workers.start(2)
        until(lambda: oracle.count() > 20)
        home.subscribe(ANN)
        asked_at = time.monotonic()
        until(lambda: ANN in {one.recipient for one in oracle.taken()}, HALF_A_MINUTE, every=0.1)
        took = time.monotonic() - asked_at
        time.sleep(2)
    most, turned_away = oracle.crowd()
    assert turned_away == 0
    assert most <= connections
    assert oracle.count() < len(due)  # They had more than enough to do.
    return took


def test_one_connection_is_never_two_and_a_guide_leaves_within_half_a_minute(
    sqlite_home: Installation, oracle: Oracle
) -> None:
    check_connections(sqlite_home, oracle, 1)


@pytest.mark.slow
@pytest.mark.parametrize("connections", [1, 2, 3])
def test_no_more_connections_are_open_than_allowed_and_a_guide_leaves_within_half_a_minute(
    home: Installation, oracle: Oracle, connections: int
) -> None:
    check_connections(home, oracle, connections)


def test_connections_kept_from_before_a_limit_are_closed_before_anything_is_sent_under_it(
    oracle: Oracle,
) -> None:
    def envelopes(count: int) -> Iterator[Envelope]:
        for number in range(count):
            yield Envelope(number, "us@example.org", ANN, b"Subject: x\r\n\r\nx\r\n")

    mailer = SmtpMailer(SmtpRoute.from_url(oracle.url))
    oracle.delay(0.02)
    try:
        assert len(list(mailer.offer(envelopes(40)))) == 40
        assert max(one.open for one in oracle.taken()) > 2
        before = oracle.count()
        assert len(list(mailer.offer(envelopes(10), connections=2))) == 10
        assert all(one.open <= 2 for one in at_least_one(oracle.taken()[before:]))
    finally:
        mailer.close()
