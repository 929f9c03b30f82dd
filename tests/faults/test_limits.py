"""The account's limits hold on a fast clock while workers are killed, and guides go first."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from urllib.error import URLError

import pytest

from nurture.domain.account.limits import Window, reserve
from nurture.domain.messages.status import MessageStatus
from nurture.store.tables.messages import messages
from tests.faults.fast_clock import FastClock
from tests.faults.oracle import Oracle
from tests.faults.population import due_for_an_article
from tests.faults.verdict import Verdict, check_the_count, verdict
from tests.faults.workers import PlainWorkers, Program, expire_leases, until
from tests.installation import SIGNUP_TOKEN, Installation
from tests.presence import at_least_one
from tests.servers.clock import ClockFile
from tests.servers.ports import free_port
from tests.serving.running import Running, processes_of
from tests.vocabulary import FIRST, GUIDE

#: So long may a guide be under way, in real seconds: there are a tree's start after a kill, a sweep
#: and a window of 64 emails in it. On the program's clock this is much longer, but how long a
#: start takes does not depend on that clock.
AT_MOST = 60.0

#: A claim is recovered within this many real seconds; the order is promised beyond it.
A_CLAIM = 10.0


@pytest.fixture
def oracle(tmp_path: Path, clock_file: ClockFile) -> Iterator[Oracle]:
    """A mail server that remembers when it has accepted what."""
    with Oracle(tmp_path / "accepted.jsonl", clock_file.path) as oracle:
        yield oracle


@dataclass
class Asked:
    """The addresses that asked for a guide, and when, by the program's and by the real clock."""

    home: Installation
    ask: Callable[[str], bool]
    at: dict[str, datetime] = field(default_factory=dict)
    really: dict[str, float] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    def one(self) -> None:
        """Ask for one, again and again until the program says that it will come."""
        address = f"g{next(self._numbers):04}@example.org"
        until(lambda: self.ask(address), AT_MOST, every=0.1)
        self.at[address], self.really[address] = self.home.clock.now, time.monotonic()

    def within_the_reserve(self, limit: int, window: Window, slack: timedelta) -> list[str]:
        """Return those who asked when few had, counting some who had asked a little earlier."""
        length = window.length + slack
        return [
            who
            for who, at in self.at.items()
            if sum(at - length < one <= at for one in self.at.values()) <= reserve(limit)
        ]


def check_the_guides(asked: Asked, oracle: Oracle, limit: int, window: Window) -> float:
    """Check that guides came soon while they were few, and in order; return the longest wait."""
    first: dict[str, float] = {}
    for one in oracle.taken():
        first.setdefault(one.recipient, one.heard_at)
    assert set(asked.at) <= set(first)
    few = asked.within_the_reserve(limit, window, slack=window.length / 10)
    waits = sorted(first[who] - asked.really[who] for who in at_least_one(few))
    assert waits[-1] <= AT_MOST
    assert not overtaken(asked, first)
    return waits[-1]


def overtaken(asked: Asked, first: dict[str, float]) -> list[tuple[str, str]]:
    """Return the guides that left while one that was asked for long before still waited."""
    return [
        (one, other)
        for one, early in asked.really.items()
        for other, later in asked.really.items()
        if early + A_CLAIM < later and first[other] + A_CLAIM < first[one]
    ]


def check_the_ledger(home: Installation, oracle: Oracle, asked: Asked, due: list[str]) -> Verdict:
    """Check that nothing is lost, and nothing doubled but a guide that was in doubt."""
    found = verdict(home, oracle, due, FIRST)
    assert found.faultless, found
    guides = verdict(home, oracle, asked.at, GUIDE)
    rows = [row for row in home.rows(messages) if row["step"] == GUIDE]
    doubted = {str(row["id"]) for row in rows if row["doubts"]}
    assert not (guides.lost or guides.lies or guides.denied), guides
    assert {one for one in guides.doubled if "@" not in one} <= doubted
    return found


def nothing_is_left(home: Installation, due: list[str]) -> bool:
    """Return whether every article has been offered, and nothing is in hand."""
    rows = home.rows(messages)
    over = {MessageStatus.ACCEPTED, MessageStatus.IN_DOUBT}
    articles = sum(row["step"] == FIRST for row in rows)
    return articles == len(due) and {row["status"] for row in rows} <= over


def sign_up_here(home: Installation, address: str) -> bool:
    """Ask for a guide without a web side."""
    home.subscribe(address)
    return True


# --- Two plain workers and a limit per minute ----------------------------------------------------


def test_a_limit_per_minute_holds_while_workers_are_killed_and_guides_come_soon(
    home: Installation, oracle: Oracle
) -> None:
    limit, chance = 40, random.Random(3)
    due = due_for_an_article(home, 60)
    home.settings = {"NURTURE_LIMIT_MINUTE": str(limit), "NURTURE_BATCH": "20"}
    asked = Asked(home, partial(sign_up_here, home))
    oracle.delay(0.002)
    with FastClock(home.clock.path, 30), PlainWorkers(home) as workers:
        workers.start(2)
        for number in range(12):
            asked.one()
            time.sleep(chance.uniform(0.1, 0.5))
            if number % 4 == 3:
                workers.kill(chance.choice(workers.pids()))
                workers.start()
        until(lambda: nothing_is_left(home, due), 60, every=0.2)
    assert check_the_count(oracle, Window.MINUTE, limit) > limit / 2
    check_the_guides(asked, oracle, limit, Window.MINUTE)
    check_the_ledger(home, oracle, asked, due)


# --- The whole tree and a limit per hour ---------------------------------------------------------


class ServedTree:
    """A real `nurture serve` that is killed in parts and as a whole, and started again."""

    def __init__(self, home: Installation) -> None:
        self._program = Program(home, "serve")
        self._running = Running(None, home.directory / "var")  # type: ignore[arg-type]
        self._running.url = f"http://127.0.0.1:{home.settings['NURTURE_PORT']}"

    def __enter__(self) -> "ServedTree":
        """Start it."""
        self._program.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Kill all of it."""
        self._kill(processes_of(self._running.directory))

    def sign_up(self, address: str) -> bool:
        """Ask for a guide; return whether the program says that it will come."""
        body = b'{"email": "%b"}' % address.encode()
        headers = {"Authorization": f"Bearer {SIGNUP_TOKEN}", "Content-Type": "application/json"}
        try:
            return self._running.post("/webhooks/signup/pain-guide", body, headers)[0] == 202
        except (OSError, URLError):
            return False

    def lose_a_worker(self, chance: random.Random) -> None:
        """Kill a worker, or one of its children."""
        workers = self._running.processes()["worker"]
        self._kill(chance.sample(workers, min(1, len(workers))))

    def lose_everything(self) -> None:
        """Kill every process at once, as a power cut of the machine would, and start again."""
        self._kill(processes_of(self._running.directory))
        self._program.kill()
        self._program.start()

    @staticmethod
    def _kill(pids: list[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_400_an_hour_hold_for_two_hours_and_a_half_of_kills_and_random_arrivals(
    home: Installation, oracle: Oracle, record_property: Callable[[str, object], None]
) -> None:
    """A kill comes every few real seconds: the program is hardly ever up for longer than that.

    Every 20 seconds of the program's clock would be every half second, and it would never start.
    """
    limit, speed, chance = 400, 40, random.Random(5)
    due = due_for_an_article(home, 1000)
    home.settings = {
        "NURTURE_LIMIT_HOUR": str(limit),
        "NURTURE_PORT": str(free_port()),
        "NURTURE_SWEEP_SECONDS": "0.5",
    }
    start, kills = home.clock.now, 0
    oracle.delay(0.005)
    with FastClock(home.clock.path, speed), ServedTree(home) as tree:
        asked = Asked(home, tree.sign_up)
        kill_at = time.monotonic() + 15
        while home.clock.now < start + timedelta(hours=2.6):
            so_far = home.clock.now - start
            crowded = timedelta(minutes=75) < so_far < timedelta(minutes=85)
            if chance.random() < (0.4 if crowded else 0.012):
                asked.one()
            time.sleep(0.1)
            if time.monotonic() > kill_at:
                kills += 1
                tree.lose_everything() if kills % 5 == 0 else tree.lose_a_worker(chance)
                kill_at = time.monotonic() + chance.uniform(3, 8)
        until(lambda: nothing_is_left(home, due), 180, every=0.5)
    most = check_the_count(oracle, Window.HOUR, limit)
    longest = check_the_guides(asked, oracle, limit, Window.HOUR)
    found = check_the_ledger(home, oracle, asked, due)
    said = f"{kills} kills, {len(asked.at)} guides, the longest wait {longest:.1f} s"
    record_property("measured", f"{most} in an hour, {said}, {len(found.in_doubt)} in doubt")
    assert most > limit * 0.9
    assert kills > 20
    expire_leases(home)
