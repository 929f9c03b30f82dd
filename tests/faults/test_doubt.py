"""Killed between the mail server's 250 and the commit: the outcome is unknown and reported."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner

from nurture.cli import main
from nurture.domain.messages.status import MessageStatus
from nurture.mail.logbook import Logbook, Logbooks, NoLogbook
from nurture.mail.mailer import Envelope, Outcome
from nurture.services.delivery import batch, sweep
from nurture.store.tables.messages import messages
from tests.faults.oracle import Oracle
from tests.faults.oracle_server import Fault
from tests.faults.population import due_for_an_article, sign_up_many
from tests.faults.verdict import verdict
from tests.faults.workers import PlainWorkers, expire_leases
from tests.installation import Installation
from tests.presence import at_least_one
from tests.vocabulary import FIRST, GUIDE, claim_and_begin

KILLED = -signal.SIGKILL


class Fatal(Logbooks):
    """A logbook that kills its process when a message is accepted, before or after noting that."""

    def __init__(self, kept: Logbooks, *, before: bool) -> None:
        self._kept, self._before = kept, before

    def begin(self, claim: str) -> Any:
        """Begin the process's last logbook."""
        return _FatalLogbook(self._kept.begin(claim), self._before)


@dataclass
class _FatalLogbook:
    _kept: Logbook | NoLogbook
    _before: bool

    def handing_over(self, message: int) -> None:
        self._kept.handing_over(message)

    def heard(self, message: int, status: MessageStatus) -> None:
        if not self._before:
            self._kept.heard(message, status)
        os.kill(os.getpid(), signal.SIGKILL)


def deliver_and_die(home: Installation, *, before: bool = True) -> None:
    """Offer one message and be killed between its 250 and the commit."""
    dispatch = home.context.dispatch
    fatal = Fatal(dispatch.logbooks, before=before)
    batch.deliver_batch(replace(dispatch, logbooks=fatal, batch=1))


def die_between_the_250_and_the_commit(
    home: Installation, times: int, *, before: bool = True, elsewhere: bool = False
) -> None:
    """Let that many workers each get one message to the 250 and then die, here or elsewhere."""
    settings = {"NURTURE_DATA_DIR": str(home.directory / "elsewhere")} if elsewhere else {}
    work = partial(deliver_and_die, before=before)
    with PlainWorkers(home, work=work, settings=settings) as workers:
        for _ in range(times):
            workers.start()
            assert workers.wait() == [KILLED]
    expire_leases(home)


def status_as_told(home: Installation, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Return the output of `nurture status --json`."""
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    said = CliRunner().invoke(main, ["status", "--json"], catch_exceptions=False)
    told: dict[str, object] = json.loads(said.output)
    return told


@pytest.mark.parametrize("times", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_an_article_is_in_doubt_and_never_resent_if_its_worker_died_before_recording_it(
    home: Installation, oracle: Oracle, times: int, monkeypatch: pytest.MonkeyPatch
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


def claim_and_die(home: Installation) -> None:
    """Claim what is due and be killed before offering any of it."""
    batch.deliver_batch(replace(home.context.dispatch, mailer=_FatalMailer()))


class _FatalMailer:
    """A mailer that kills its own process when it is given something to send."""

    def offer(
        self, envelopes: Iterable[Envelope], connections: int | None = None
    ) -> Iterator[Outcome]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield from ()

    def close(self) -> None:
        """Do nothing; no connection is open."""


def test_messages_claimed_by_a_killed_worker_on_this_machine_are_sent_immediately(
    home: Installation, oracle: Oracle
) -> None:
    addresses = sign_up_many(home, 3)
    with PlainWorkers(home, work=claim_and_die) as workers:
        workers.start()
        assert workers.wait() == [KILLED]
    assert {row["status"] for row in home.rows(messages)} == {MessageStatus.CLAIMED}
    sweep.batches_due(home.context.dispatch)
    home.deliver()
    assert Counter(one.recipient for one in oracle.taken()) == dict.fromkeys(addresses, 1)
    assert {row["status"] for row in home.rows(messages)} == {MessageStatus.ACCEPTED}


@pytest.mark.parametrize("written", [b"", b"another boot 1:1\n"])
def test_a_worker_whose_lock_may_not_be_visible_here_keeps_its_claim(
    sqlite_home: Installation, oracle: Oracle, written: bytes
) -> None:
    """The worker may have just created its logbook, or share the folder from another machine."""
    home = sqlite_home
    sign_up_many(home, 1)
    with PlainWorkers(home, work=claim_and_die) as workers:
        workers.start()
        assert workers.wait() == [KILLED]
    [logbook] = (home.directory / "var").glob("sending-*/*")
    logbook.write_bytes(written)
    sweep.batches_due(home.context.dispatch)
    home.deliver()
    assert {row["status"] for row in home.rows(messages)} == {MessageStatus.CLAIMED}


def test_an_answer_received_by_a_killed_worker_is_recorded_immediately(
    home: Installation, oracle: Oracle
) -> None:
    sign_up_many(home, 1)
    with PlainWorkers(home, work=partial(deliver_and_die, before=False)) as workers:
        workers.start()
        assert workers.wait() == [KILLED]
    sweep.batches_due(home.context.dispatch)
    assert {row["status"] for row in home.rows(messages)} == {MessageStatus.ACCEPTED}
    assert len(oracle.taken()) == 1


@pytest.mark.parametrize("times", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_a_guide_is_offered_once_more_if_its_worker_died_before_recording_it(
    home: Installation, oracle: Oracle, times: int
) -> None:
    addresses = sign_up_many(home, times)
    die_between_the_250_and_the_commit(home, times)
    home.deliver()
    home.live(hours=12)
    copies = Counter(one.message_id for one in oracle.taken())
    assert sorted(copies.values()) == [2] * times
    assert Counter(one.recipient for one in oracle.taken()) == dict.fromkeys(addresses, 2)
    assert {row["status"] for row in home.rows(messages)} == {MessageStatus.ACCEPTED}


def test_a_guide_that_fails_twice_in_the_same_way_is_left_to_the_owner(
    sqlite_home: Installation, oracle: Oracle
) -> None:
    home = sqlite_home
    [address] = sign_up_many(home, 1)
    for _ in range(2):
        die_between_the_250_and_the_commit(home, 1)
        sweep.batches_due(home.context.dispatch)
        home.clock.advance(timedelta(minutes=6))
    home.live(hours=12)
    assert home.statuses(address) == [(GUIDE, MessageStatus.IN_DOUBT)]
    assert len(oracle.taken()) == 2


@pytest.mark.parametrize("step", [FIRST, GUIDE])
def test_a_message_logged_as_accepted_is_never_in_doubt(
    home: Installation, oracle: Oracle, step: str
) -> None:
    addresses = due_for_an_article(home, 3) if step == FIRST else sign_up_many(home, 3)
    die_between_the_250_and_the_commit(home, 3, before=False)
    home.deliver()
    home.live(days=2)
    found = verdict(home, oracle, addresses, step)
    assert found.faultless, found
    assert (found.accepted, found.in_doubt) == (3, [])
    assert not any(row["doubts"] for row in at_least_one(home.rows(messages)))
    assert list(home.context.logbooks.claims()) == []


@pytest.mark.parametrize("before", [True, False])
def test_the_logbook_settles_another_machines_doubts_once_its_machine_returns(
    home: Installation, oracle: Oracle, *, before: bool
) -> None:
    addresses = due_for_an_article(home, 3)
    die_between_the_250_and_the_commit(home, 3, before=before, elsewhere=True)
    home.deliver()
    assert verdict(home, oracle, addresses, FIRST).in_doubt == addresses
    back = home.another(NURTURE_DATA_DIR=str(home.directory / "elsewhere"))
    sweep.batches_due(back.dispatch)
    back.database.close()
    found = verdict(home, oracle, addresses, FIRST)
    assert found.faultless, found
    assert found.in_doubt == (addresses if before else [])
    assert back.logbooks.claims() == []


def test_messages_being_sent_are_first_left_to_the_machine_with_the_logbook(
    home: Installation, oracle: Oracle
) -> None:
    [address] = due_for_an_article(home, 1)
    die_between_the_250_and_the_commit(home, 1, before=False, elsewhere=True)
    expire_leases(home, timedelta(seconds=10))
    home.deliver()
    assert verdict(home, oracle, [address], FIRST).in_hand == [address]
    back = home.another(NURTURE_DATA_DIR=str(home.directory / "elsewhere"))
    sweep.batches_due(back.dispatch)
    back.database.close()
    found = verdict(home, oracle, [address], FIRST)
    assert (found.accepted, found.in_doubt) == (1, [])


def test_a_permanently_refused_message_is_not_offered_again_after_a_takeover(
    home: Installation, oracle: Oracle
) -> None:
    [address] = due_for_an_article(home, 1)
    oracle.show(Fault("dot", text="554 5.7.1 never"))
    die_between_the_250_and_the_commit(home, 1, before=False)
    oracle.behave()
    home.deliver()
    home.live(days=1)
    found = verdict(home, oracle, [address], FIRST)
    assert (found.accepted, found.in_doubt) == (0, [])
    assert (FIRST, MessageStatus.FAILED) in home.statuses(address)


def test_messages_of_a_slow_worker_are_first_left_to_it(home: Installation, oracle: Oracle) -> None:
    [address] = due_for_an_article(home, 1)
    claim = claim_and_begin(home)
    logbook = home.context.logbooks.begin(claim)
    expire_leases(home, timedelta(seconds=10))
    home.deliver()
    assert verdict(home, oracle, [address], FIRST).in_hand == [address]
    expire_leases(home)
    home.deliver()
    assert verdict(home, oracle, [address], FIRST).in_doubt == [address]
    logbook.end(served=False)
