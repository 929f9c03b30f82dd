"""A busy afternoon: signups and hits arrive continuously, including while a mailing is sent.

Visitors and readers arrive independently. The clock runs, several times faster if the run is
short, so that hits reach the age at which they are judged during the run.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import median, quantiles
from typing import Any

from sqlalchemy import func, select, update

from bench.hits import requests_for
from bench.library import FORM
from bench.people import count_on, enrol, settle, wave
from bench.procfs import OtherWork, cpu_of, cpu_of_one
from bench.procfs import tree as process_tree
from bench.serving import Tree, memory, request_for, role_of, serving
from bench.steady import Answers, Request, put_steadily
from bench.stores import Store
from bench.workers import Site
from nurture.store.database import Database
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from tests.servers.clock import ClockFile

SIGNUPS, HITS = 20, 200

#: Whose guides are read meanwhile; of one message few hits a minute are kept.
_READERS = 20_000

#: The mailing leaves once the afternoon has been under way for so many seconds.
_MAILING_AFTER = 5.0

_PATIENCE = 120.0


class LostError(Exception):
    """The figures are worthless: something is missing or duplicated."""


def measure(store: Store, site: Site, seconds: int, mailing: int, pace: int) -> dict[str, Any]:
    """Measure an afternoon of that length, with a mailing of that size sent during it."""
    with store.fresh() as database:
        enrol(database, 1, _READERS + mailing, wave(10_000))
        count_on(database)
        settle(database)
        clock = ClockFile(site.directory / "clock-of-the-afternoon", wave(0))
        own = {
            "NURTURE_DATABASE_URL": database.url,
            "NURTURE_CLOCK": str(clock.path),
            "NURTURE_TEMPLATES_DIR": site.settings["NURTURE_TEMPLATES_DIR"],
            "NURTURE_SIGNUPS_PER_FORM_HOUR": "1000000",
        }
        with _going(clock, pace), serving(store, site, database, form=FORM, **own) as tree:
            return {"store": store.kind, "mailing": mailing} | _live(
                store, database, tree, clock, seconds, mailing
            )


def _live(
    store: Store, database: Database, tree: Tree, clock: ClockFile, seconds: int, mailing: int
) -> dict[str, Any]:
    requests, before = _requests(database, seconds), _count_hits(database)
    roots, other = [tree.pid, *store.server], OtherWork()
    spent, guides = cpu_of(roots), _Guides(tree)
    if mailing:
        threading.Timer(_MAILING_AFTER, _let_leave, [database, clock, mailing]).start()
    with _watched(tree.pid) as held:
        answers = put_steadily(tree.port, requests)
    cost = cpu_of(roots) - spent
    by_role = _cpu_by_role(tree.pid)
    waits = guides.until_all_have_come(answers, requests)
    _await_hits(database, before + HITS * seconds)
    signups = [taken for _, taken in answers.taken["signup"]]
    return {
        "signup": _figures(signups),
        "hit": _figures([taken for _, taken in answers.taken["hit"]]),
        "guide": _figures(waits),
        "cpu_a_minute": cost.whole * 60 / seconds,
        "cpu_by_role": by_role,
        "memory": held,
        "other_cores": other.cores(),
    }


def _cpu_by_role(root: int) -> dict[str, float]:
    """Return the processor seconds since each process began, by its role."""
    found: dict[str, float] = {}
    for number in process_tree(root):
        role = role_of(number)
        found[role] = found.get(role, 0) + cpu_of_one(number).whole
    return found


def _figures(taken: list[float]) -> dict[str, float]:
    return {"p50": median(taken), "p95": quantiles(taken, n=20)[18], "most": max(taken)}


def _requests(database: Database, seconds: int) -> list[Request]:
    """Return signups and hits, each kind evenly spread."""
    with database.reading() as connection:
        numbers = list(connection.scalars(select(messages.c.id).limit(_READERS)))
    hits = requests_for(numbers, HITS * seconds)
    made = [(n / HITS, "hit", request, status) for n, (request, status, _) in enumerate(hits)]
    return made + [
        (n / SIGNUPS, "signup", request_for(_visitor(n), n, FORM), 202)
        for n in range(SIGNUPS * seconds)
    ]


def _visitor(number: int) -> str:
    return f"visitor.{number}@example.org"


def _let_leave(database: Database, clock: ClockFile, mailing: int) -> None:
    """Make everyone except the readers due together."""
    theirs = enrolments.c.id.between(_READERS + 1, _READERS + mailing)
    with database.writing() as connection:
        connection.execute(update(enrolments).where(theirs).values(next_look_at=clock.now))


class _Guides:
    """The time at which each visitor's guide was accepted."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def until_all_have_come(self, answers: Answers, requests: list[Request]) -> list[float]:
        """Return how long each guide took, from the moment it was requested."""
        asked = sum(kind == "signup" for _, kind, _, _ in requests)
        came: dict[str, float] = {}
        while len(came) < asked:
            when, to = self._tree.next_arrival()
            if to.startswith("visitor."):
                if to in came:
                    raise LostError(f"{to} got two guides")
                came[to] = when
        return [came[_visitor(n)] - answers.began - n / SIGNUPS for n in range(asked)]


def _count_hits(database: Database) -> int:
    with database.reading() as connection:
        count = select(func.count()).where(events.c.source == "hit")
        return connection.scalar(count) or 0


def _await_hits(database: Database, expected: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (found := _count_hits(database)) < expected and time.monotonic() < deadline:
        time.sleep(0.5)
    if found != expected:
        raise LostError(f"{expected} hits were made, {found} are in the database")


@contextmanager
def _going(clock: ClockFile, pace: int) -> Iterator[None]:
    """Run the clock that many times faster than normal."""
    over, began, first = threading.Event(), time.monotonic(), clock.now

    def go() -> None:
        while not over.wait(0.05):
            clock.set(first + pace * timedelta(seconds=time.monotonic() - began))

    going = threading.Thread(target=go)
    going.start()
    try:
        yield
    finally:
        over.set()
        going.join()


@contextmanager
def _watched(root: int) -> Iterator[list[float]]:
    """Record the tree's memory in megabytes, every few seconds during the block."""
    held: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(5):
            held.append(memory(root)["whole tree"][2])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield held
    finally:
        over.set()
        watcher.join()
