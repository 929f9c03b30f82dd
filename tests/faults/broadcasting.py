"""Broadcasts from outside: people who agreed, the commands, workers, and what the witness took."""

import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from click.testing import Result

from nurture.services.broadcasts.freezing import attend
from nurture.services.delivery import batch, sweep
from tests.faults.oracle import Oracle
from tests.faults.population import copy_person
from tests.faults.workers import PlainWorkers, Work
from tests.installation import Installation
from tests.lists import agreed, bring, said
from tests.machines import command

#: How long nothing leaves after “Send”, as the help of the commands says.
FIVE_MINUTES = timedelta(minutes=5)

#: The outcome of those who have got a broadcast.
COMPLETED = "completed"


# --- People and emails ---------------------------------------------------------------------------


def readers(home: Installation, count: int, stream: str = "news", name: str = "r") -> list[str]:
    """Bring a person in who agreed to a stream, and as many like that; return the addresses."""
    addresses = [f"{name}{n:05}@example.org" for n in range(count)]
    bring(home, [agreed(addresses[0])], said({stream}))
    copy_person(home, addresses[0], addresses[1:])
    return addresses


def email(home: Installation, subject: str, body: str = "There is news.") -> Path:
    """Write the file of an email."""
    path = home.directory / "email.md"
    front = f'+++\nsubject = "{subject}"\npreheader = "A few words."\n+++\n'
    path.write_text(f"{front}Hello,\n\n{body}\n\n*Paul*\n", encoding="utf-8")
    return path


# --- The commands --------------------------------------------------------------------------------


def told(home: Installation, verb: str, key: str, *words: object) -> dict[str, Any]:
    """Run a command on a broadcast, which has to succeed; return its JSON document."""
    done = command(home, "broadcast", verb, key, *words, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def drafted(home: Installation, key: str, *words: object, stream: str = "news") -> None:
    """Write a draft whose subject is its key."""
    told(home, "draft", key, "--file", email(home, key), "--stream", stream, *words)


def sent(home: Installation, key: str, *words: object, stream: str = "news") -> dict[str, Any]:
    """Write a broadcast whose subject is its key, and press “Send”."""
    drafted(home, key, *words, stream=stream)
    return told(home, "send", key)


def in_words(done: Result) -> str:
    """Return what a command said that refused, which is sentences and no traceback."""
    assert done.exit_code in (1, 2), done.output
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.output.startswith("nurture: "), done.output
    return done.output


# --- Workers -------------------------------------------------------------------------------------


def look_once(home: Installation) -> None:
    """Do what the sweep does, and deliver what is due."""
    dispatch = home.context.dispatch
    attend(*home.context.stored, home.clock.now)
    for _ in range(sweep.batches_due(dispatch)):
        while batch.deliver_batch(dispatch).full:
            pass


def work(home: Installation) -> None:
    """Sweep and deliver until killed."""
    while True:
        look_once(home)
        time.sleep(0.05)


def command_of(verb: str, key: str) -> Work:
    """Return a process that runs one command on a broadcast."""

    def run(home: Installation) -> None:
        told(home, verb, key)

    return run


def at_once(home: Installation, *verbs: str, key: str) -> list[int | None]:
    """Run several commands on one broadcast at the same time; return their exit codes."""
    with PlainWorkers(home, lambda _: None) as processes:
        for verb in verbs:
            processes.work = command_of(verb, key)
            processes.start()
        return processes.wait()


def let_leave(home: Installation, **length: float) -> None:
    """Let the five minutes pass, or another time, with a worker that looks every minute of it."""
    minutes = timedelta(**(length or {"minutes": 5})) // timedelta(minutes=1)
    for _ in range(minutes):
        home.clock.advance(timedelta(minutes=1))
        look_once(home)


def calm(oracle: Oracle, seconds: float = 1.0) -> int:
    """Wait until the witness has taken nothing for that long; return how many it has taken."""
    count, since = oracle.count(), time.monotonic()
    while time.monotonic() - since < seconds:
        time.sleep(0.05)
        if oracle.count() != count:
            count, since = oracle.count(), time.monotonic()
    return count


def all_settled(home: Installation, key: str) -> Callable[[], bool]:
    """Return the condition that nobody awaits a broadcast and nothing of it is on a connection."""

    def settled() -> bool:
        state = told(home, "show", key)
        return bool(state["frozen_at"]) and not state["waiting"] and not state["on_connection"]

    return settled


def finish(home: Installation, key: str, seconds: float = 60) -> dict[str, Any]:
    """Wait until the workers have finished a broadcast; return its state."""
    settled = all_settled(home, key)
    for _ in range(int(seconds / 0.2)):
        if settled():
            return told(home, "show", key)
        time.sleep(0.2)
    raise AssertionError(told(home, "show", key))


# --- What the witness says -----------------------------------------------------------------------


def got(oracle: Oracle, subject: str) -> Counter[str]:
    """Return how often each address was sent the email with that subject."""
    return Counter(one.recipient for one in oracle.taken() if one.subject == subject)


def once_each(oracle: Oracle, *subjects: str) -> set[str]:
    """Check that no address got any of the emails twice, nor two of them; return who got one."""
    times = sum((got(oracle, subject) for subject in subjects), Counter[str]())
    assert [who for who, count in times.items() if count > 1] == []
    return set(times)


def check_the_sum(state: dict[str, Any], reached: int) -> None:
    """Check that everyone in the audience either waits for the broadcast or has ended with it."""
    assert state["reached"] == reached, state
    assert state["waiting"] + sum(state["ended"].values()) == reached, state
