"""Three broadcasts to a whole list among running sequences, on a fast clock, with all that happens.

Workers are killed, an hour is lost to refusals, people leave in the middle, one broadcast is
undone and one is stopped, mended and resumed, and the account may send 400 an hour.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from nurture.domain.account.limits import Window
from nurture.domain.subscribers.consent import Evidence
from nurture.services.subscribers import on_behalf
from tests.faults.broadcasting import check_the_sum, drafted, got, once_each, readers, sent, told
from tests.faults.fast_clock import FastClock
from tests.faults.oracle import Fault, Oracle
from tests.faults.population import due_for_an_article
from tests.faults.verdict import check_the_count, verdict
from tests.faults.workers import PlainWorkers, until
from tests.installation import Installation
from tests.presence import at_least_one
from tests.servers.clock import ClockFile
from tests.vocabulary import FIRST

#: What a mail server says whose account has sent enough.
_QUOTA = Fault("RCPT", text="452 4.5.3 Your account has exceeded its sending quota")


@pytest.fixture
def oracle(tmp_path: Path, clock_file: ClockFile) -> Iterator[Oracle]:
    """A mail server that remembers when it has accepted what."""
    with Oracle(tmp_path / "accepted.jsonl", clock_file.path) as oracle:
        yield oracle


@dataclass
class Mailing:
    """A list, a series under way, workers that are killed, and what happens next by the clock."""

    home: Installation
    oracle: Oracle
    workers: PlainWorkers
    people: list[str]
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    left: list[str] = field(default_factory=list)
    kills: int = 0

    def live(self, **length: float) -> None:
        """Let the time pass on the program's clock, killing a worker now and then."""
        end = self.home.clock.now + timedelta(**length)
        while self.home.clock.now < end:
            time.sleep(self.chance.uniform(0.3, 1.2))
            self.workers.kill(self.chance.choice(self.workers.pids()))
            self.workers.start()
            self.kills += 1

    def lose_some(self, count: int) -> None:
        """Unsubscribe people at random."""
        staying = [one for one in self.people if one not in self.left]
        for address in self.chance.sample(staying, count):
            number = self.home.person(address)["id"]
            on_behalf.stop_everything(
                *self.home.context.stored, number, Evidence(), self.home.clock.now
            )
            self.left.append(address)


def play(home: Installation, oracle: Oracle, people: int, speed: float) -> Mailing:
    """Send three broadcasts to that many people, with everything that comes between."""
    due = due_for_an_article(home, people // 20)
    listed = readers(home, people)
    home.settings = {"NURTURE_LIMIT_HOUR": str(people // 5), "NURTURE_BATCH": "50"}
    undo_one(home, "undone")
    with FastClock(home.clock.path, speed), PlainWorkers(home) as workers:
        workers.start(2)
        mailing = Mailing(home, oracle, workers, listed)
        send_three(mailing)
        names = ("first", "second", "third")
        until(lambda: all(is_over(home, name) for name in names), 600, every=1.0)
    assert not got(oracle, "undone")
    assert verdict(home, oracle, due, FIRST).faultless
    return mailing


def undo_one(home: Installation, key: str) -> None:
    """Send a broadcast, lose a worker within the five minutes, and undo it."""
    with PlainWorkers(home) as workers:
        workers.start(2)
        sent(home, key)
        home.clock.advance(timedelta(minutes=4))
        time.sleep(0.5)
        workers.kill(workers.pids()[0])
        told(home, "undo", key)


def send_three(mailing: Mailing) -> None:
    """Send three broadcasts, of which the second is stopped half way and resumed."""
    home, oracle, people = mailing.home, mailing.oracle, len(mailing.people)
    sent(home, "first")
    mailing.live(hours=1)
    mailing.lose_some(people // 40)
    oracle.show(_QUOTA)
    mailing.live(hours=1)
    oracle.behave()
    mailing.live(hours=4)
    drafted(home, "second")
    told(home, "send", "second")
    mailing.live(hours=16)
    mailing.lose_some(people // 40)
    stopped = told(home, "stop", "second")
    time.sleep(0.5)
    assert len(got(oracle, "second")) == stopped["left"] + stopped["in_doubt"]
    mailing.live(hours=2)
    assert len(got(oracle, "second")) == stopped["left"] + stopped["in_doubt"]
    told(home, "resume", "second")
    sent(home, "third")


def is_over(home: Installation, key: str) -> bool:
    """Return whether nobody waits for a broadcast any more."""
    state = told(home, "show", key)
    return bool(state["frozen_at"]) and not state["waiting"] and not state["on_connection"]


def check(mailing: Mailing, limit: int) -> int:
    """Check every promise; return how many the fullest hour held."""
    home, oracle = mailing.home, mailing.oracle
    for key in ("first", "second", "third"):
        state = told(home, "show", key)
        reached = once_each(oracle, key)
        check_the_sum(state, state["reached"])
        gone = {name: count for name, count in state["ended"].items() if name != "completed"}
        missing = set(mailing.people) - reached
        assert len(missing) <= sum(gone.values()) + state["in_doubt"] + _out(state), (key, gone)
    return check_the_count(oracle, Window.HOUR, limit)


def _out(state: dict[str, object]) -> int:
    not_reached = state["not_reached"]
    assert isinstance(not_reached, dict)
    return sum(not_reached.values())


def test_three_broadcasts_among_kills_refusals_and_departures(
    sqlite_home: Installation, oracle: Oracle
) -> None:
    mailing = play(sqlite_home, oracle, 60, speed=12_000)
    check(mailing, 12)
    assert mailing.kills > 3


@pytest.mark.slow
def test_three_broadcasts_to_2000_people_within_400_an_hour(
    home: Installation, oracle: Oracle, record_property: Callable[[str, object], None]
) -> None:
    mailing = play(home, oracle, 2000, speed=1200)
    most = check(mailing, 400)
    record_property("measured", f"{most} in the fullest hour, {mailing.kills} kills")
    assert at_least_one(mailing.left)
    assert most > 300
