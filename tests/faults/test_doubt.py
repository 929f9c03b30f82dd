"""Killed between the mail server's 250 and the commit: nobody can know, everybody is told."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner

from nurture.cli import main
from nurture.domain.message_status import MessageStatus
from nurture.mail.envelope import Envelope, Mailer, Outcome
from nurture.services import delivering, sweeping
from nurture.store.messages import messages
from tests.faults.oracle import Oracle
from tests.faults.population import due_for_an_article, sign_up_many
from tests.faults.verdict import verdict
from tests.faults.workers import PlainWorkers, expire_leases
from tests.house import Household
from tests.services.test_delivering import FIRST, GUIDE

KILLED = -signal.SIGKILL


class Fatal:
    """Kills its own process as soon as it has heard that a message was accepted."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    def offer(self, envelopes: Iterator[Envelope]) -> Iterator[Outcome]:
        """Offer them, and die of the first 250."""
        for outcome in self._mailer.offer(envelopes):
            if outcome.status is MessageStatus.ACCEPTED:
                os.kill(os.getpid(), signal.SIGKILL)
            yield outcome

    def close(self) -> None:
        """Say goodbye."""
        self._mailer.close()


def deliver_and_die(home: Household) -> None:
    """Offer one message and be killed before its outcome is written down."""
    dispatch = home.house.dispatch
    delivering.deliver_batch(replace(dispatch, mailer=Fatal(dispatch.mailer), batch=1))


def die_between_the_250_and_the_commit(home: Household, times: int) -> None:
    """So many workers take one message each to the 250, and no further."""
    with PlainWorkers(home, work=deliver_and_die) as workers:
        for _ in range(times):
            workers.start()
            assert workers.wait() == [KILLED]
    expire_leases(home)


def status_as_told(home: Household, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What `nurture status --json` prints."""
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    said = CliRunner().invoke(main, ["status", "--json"], catch_exceptions=False)
    told: dict[str, object] = json.loads(said.output)
    return told


@pytest.mark.parametrize("times", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_an_article_whose_worker_died_before_writing_it_down_is_in_doubt_and_never_sent_again(
    home: Household, oracle: Oracle, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = due_for_an_article(home, times)
    die_between_the_250_and_the_commit(home, times)
    home.deliver()
    told = status_as_told(home, monkeypatch)["in_doubt"]
    assert isinstance(told, list)
    assert sorted(one["subscriber"] for one in told) == addresses
    assert {one["step"] for one in told} == {FIRST}
    assert {one["why"] for one in told} == {
        "the worker stopped while the mail server was taking it"
    }
    home.live(days=3)
    found = verdict(home, oracle, addresses, FIRST)
    assert found.faultless, found
    assert found.in_doubt == addresses


@pytest.mark.parametrize("times", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_a_guide_whose_worker_died_before_writing_it_down_is_offered_once_more(
    home: Household, oracle: Oracle, times: int
) -> None:
    addresses = sign_up_many(home, times)
    die_between_the_250_and_the_commit(home, times)
    home.deliver()
    home.live(hours=12)
    copies = Counter(one.message_id for one in oracle.taken())
    assert sorted(copies.values()) == [2] * times
    assert Counter(one.recipient for one in oracle.taken()) == dict.fromkeys(addresses, 2)
    assert {row["status"] for row in home.rows(messages)} == {MessageStatus.ACCEPTED}


def test_a_guide_that_fails_in_the_same_way_twice_is_left_to_the_owner(
    sqlite_home: Household, oracle: Oracle
) -> None:
    home = sqlite_home
    [address] = sign_up_many(home, 1)
    for _ in range(2):
        die_between_the_250_and_the_commit(home, 1)
        sweeping.batches_due(home.house.dispatch)
        home.clock.advance(timedelta(minutes=6))
    home.live(hours=12)
    assert home.statuses(address) == [(GUIDE, MessageStatus.IN_DOUBT)]
    assert len(oracle.taken()) == 2
