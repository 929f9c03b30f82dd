"""The whole program as `nurture serve` runs it: signups, delivery of guides, and memory."""

import json
import queue
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench import load
from bench.hits import requests_for
from bench.library import FORM
from bench.procfs import Memory, command_of, memory_of, tree
from bench.sinks import LightSink, free_port
from bench.stores import Store
from bench.workers import Site, command_line, running
from nurture.store.database import Database

_SHIPPED_FORM = "pain-guide"
_TOKEN = "a-token-that-measures-only"
_PATIENCE = 60.0

_ROLES = (
    ("valkey|redis", "redis"),
    ("nurture web", "web"),
    ("nurture beat", "beat"),
    ("nurture worker", "worker"),
    (r"nurture serve", "supervisor"),
)


class NoGuideError(Exception):
    """A signup's email did not arrive."""


class Tree:
    """A running `nurture serve`, and the sink that receives its email."""

    def __init__(self, port: int, pid: int, sink: LightSink) -> None:
        self.port, self.pid = port, pid
        self._arrivals: queue.Queue[tuple[float, str]] = queue.Queue()
        self._sink = sink
        threading.Thread(target=self._listen, daemon=True).start()

    def next_arrival(self) -> tuple[float, str]:
        """Return when the next email was accepted, on the monotonic clock, and its recipient."""
        try:
            return self._arrivals.get(timeout=_PATIENCE)
        except queue.Empty:
            raise NoGuideError(f"no mail came within {_PATIENCE:g} seconds") from None

    def _listen(self) -> None:
        for line in self._sink.says:
            when, address = line.split()
            self._arrivals.put((float(when), address.decode()))


@contextmanager
def serving(
    store: Store, site: Site, database: Database, form: str = _SHIPPED_FORM, **more: str
) -> Iterator[Tree]:
    """Run `nurture serve` during the block, with the shipped emails unless `more` sets others."""
    usual = {
        "NURTURE_DATABASE_URL": "" if store.kind == "SQLite" else database.url,
        "NURTURE_TEMPLATES_DIR": "",
    }
    own = Path(tempfile.mkdtemp(prefix=f"serve-{store.kind}-", dir=site.directory))
    sink = LightSink(tell=True)
    environment = site.environment(
        NURTURE_DATA_DIR=str(own),
        NURTURE_SMTP_URL=sink.url,
        NURTURE_PORT=str(free_port()),
        NURTURE_SIGNUP_TOKEN=_TOKEN,
        NURTURE_REDIS_URL="",
        **(usual | more),
    )
    port = int(environment["NURTURE_PORT"])
    try:
        with running(command_line("serve"), environment, own / "serve.log", port, own) as pid:
            tree_ = Tree(port, pid, sink)
            # The first guide finds every process still loading.
            guide_latency(tree_, 2, "warm-up", form)
            yield tree_
    finally:
        sink.stop()


def measure(store: Store, site: Site, signups: int, guides: int) -> dict[str, Any]:
    """Measure latency on the idle tree, then signups under load, and the memory of both."""
    with store.fresh() as database, serving(store, site, database) as running_tree:
        time.sleep(2)
        rest = memory(running_tree.pid)
        latency = guide_latency(running_tree, guides, "idle")
        with watched_memory(running_tree.pid) as most:
            rate, until_mailed = _signups(running_tree, signups)
            load.put_load(running_tree.port, requests_for([1, 2, 3], 2 * signups))
    return {
        "store": store.kind,
        "signups": rate,
        "guides": until_mailed,
        "p50": median(latency) * 1000,
        "p95": quantiles(latency, n=20)[18] * 1000,
        "rest": rest,
        "load": most,
    }


def measure_web_alone(store: Store, site: Site, signups: int) -> float:
    """Return signups per second with no worker sending guides: web process and database only."""
    with store.fresh() as database:
        port = free_port()
        environment = site.environment(
            NURTURE_DATABASE_URL=database.url,
            NURTURE_PORT=str(port),
            NURTURE_SIGNUP_TOKEN=_TOKEN,
        )
        log = site.directory / "web.log"
        with running(command_line("web"), environment, log, port):
            first = [(request_for(f"first.{n}@example.org", n, FORM), 202, 1) for n in range(20)]
            load.put_load(port, first)
            rush = [(request_for(f"rush.{n}@example.org", n, FORM), 202, 1) for n in range(signups)]
            return load.put_load(port, rush).rate


def guide_latency(
    running_tree: Tree, count: int, name: str, form: str = _SHIPPED_FORM
) -> list[float]:
    """Return the seconds from a signup until its email is accepted, for one after another."""
    taken = []
    for number in range(count):
        address = f"{name}.{number}@example.org"
        began = time.monotonic()
        _post(running_tree.port, address, form)
        when, to = running_tree.next_arrival()
        assert to == address, f"{to} got a mail, and {address} should have"
        taken.append(when - began)
        # Nudges come at a moment of their own, not in step with the one before.
        time.sleep(0.05 + 0.013 * (number % 7))
    return taken


def _signups(running_tree: Tree, count: int) -> tuple[float, float]:
    """Return signups per second until answered, and guides per second until all are accepted."""
    requests = [(request_for(f"rush.{n}@example.org", n), 202, 1) for n in range(count)]
    began = time.monotonic()
    rate = load.put_load(running_tree.port, requests).rate
    arrivals = [running_tree.next_arrival() for _ in requests]
    if len({to for _, to in arrivals}) != count:
        raise NoGuideError("somebody got two guides, and somebody none")
    return rate, count / (max(when for when, _ in arrivals) - began)


def request_for(address: str, number: int = 0, form: str = _SHIPPED_FORM) -> str:
    """Return a signup request as the website sends it."""
    body = json.dumps(
        {
            "email": address,
            "first_name": "Ann",
            "page_url": "https://human-movement.com/",
            "client_ip": f"198.51.{number // 250 % 250}.{number % 250}",
        }
    )
    return (
        f"POST /webhooks/signup/{form} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {_TOKEN}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )


def _post(port: int, address: str, form: str) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(request_for(address, form=form).encode())
        answer = connection.recv(4096)
    if not answer.startswith(b"HTTP/1.1 202 "):
        raise NoGuideError(answer.decode(errors="replace"))


def memory(root: int) -> dict[str, list[float]]:
    """Return megabytes by role as `[processes, resident, fair share]`, and the total."""
    found: dict[str, list[float]] = {}
    for number in tree(root):
        held = _held(number)
        for name in (role_of(number), "whole tree"):
            sums = found.setdefault(name, [0, 0, 0])
            sums[0] += 1
            sums[1] += held.resident / 1e6
            sums[2] += held.fair / 1e6
    return found


@contextmanager
def watched_memory(root: int) -> Iterator[dict[str, list[float]]]:
    """Record the most that each kind of process held at a time during the block."""
    most: dict[str, list[float]] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.3):
            for name, held in memory(root).items():
                most[name] = list(map(max, held, most.get(name, [0, 0, 0])))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        over.set()
        watcher.join()


def _held(number: int) -> Memory:
    try:
        return memory_of(number)
    except (OSError, KeyError):
        return Memory(0, 0)


def role_of(number: int) -> str:
    """Return the role of a process in the tree."""
    command = command_of(number)
    return next((role for pattern, role in _ROLES if re.search(pattern, command)), "other")
