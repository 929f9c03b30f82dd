"""What is measured, in which sizes, and how each figure is shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import (
    afternoon,
    broadcast_review,
    delivery,
    hits,
    load,
    naive,
    phases,
    segments,
    serving,
    sweeps,
)
from bench.delivery import Setup
from bench.figures import Book
from bench.flood import ceiling
from bench.keys import signing
from bench.sinks import postfix_sink, sink_named
from bench.stores import Store
from bench.workers import Site

_END_TO_END = "End to end: messages a second (worker CPU a message)"
_PHASES = "Where a message's time goes: CPU (wall), one process"
_SWEEP = "Looking for work: milliseconds"
_HITS = "Opens and clicks a second (CPU of the web process for each)"
_SEGMENTS = "Counting a segment: seconds (people found)"
_REVIEW = "Reviewing a broadcast: seconds (people reached)"
_SERVE = "Signups, `nurture serve` whole"
_AFTERNOON = "A busy afternoon: seconds, p50 / p95 / most"
_MEMORY = "Memory of the tree: PSS (RSS) in MB"


@dataclass(frozen=True)
class Bench:
    """What every section works with."""

    stores: list[Store]
    site: Site
    keys: dict[str, Path]
    book: Book
    quick: bool

    def size(self, quick: int, whole: int) -> int:
        """Return one of the two sizes."""
        return quick if self.quick else whole


def measure_delivery(bench: Bench) -> None:
    """Measure end to end, alongside the naive method and the maximum rate of the sinks."""
    for sink in _sinks():
        if sink != "20 ms":
            _note_ceiling(bench, sink)
    for store in bench.stores:
        base = _measure_naive(bench, store)
        for setup in _setups(bench, store):
            size = bench.size(1000 if setup.key or setup.sink != "light" else 2000, 20_000)
            found = delivery.measure(store, setup, bench.site, bench.keys, size, 3)
            _note_delivery(bench, setup, found, base)


def _sinks() -> list[str]:
    return ["light", "20 ms", *(["smtp-sink"] if postfix_sink() else [])]


def _note_ceiling(bench: Bench, name: str) -> None:
    with sink_named(name) as sink:
        found = ceiling(sink, 20_000 if name == "light" else 6000)
    shown = f"{found.rate:,.0f}/s ({found.cost:.0f} µs)"
    values = {"rate": found.rate, "cpu": found.cost}
    bench.book.note(_END_TO_END, f"what the sink “{name}” takes at most", "", shown, values)


def _measure_naive(bench: Bench, store: Store) -> float:
    """Measure the naive method in one process and in two; return the rate of one."""
    rates: dict[int, float] = {}
    for processes in (1,) if bench.quick else (1, 2):
        found = naive.measure(store, bench.site, bench.size(80, 400), processes, 3)
        rates[processes] = found["rate"]
        what = f"naive way, {processes} process{'es' * (processes > 1)}, light"
        shown = f"{found['rate']:,.0f}/s ({found['cpu']:,.0f} µs)"
        bench.book.note(_END_TO_END, what, store.kind, shown, found)
    return rates[1]


def _setups(bench: Bench, store: Store) -> list[Setup]:
    """Return each key with one worker and two and each sink with two; fewer in a quick run."""
    kind = store.kind
    setups = [Setup(kind, 2), Setup(kind, 1)]
    setups += [Setup(kind, 2, key) for key in bench.keys]
    setups += [Setup(kind, 2, "", sink) for sink in _sinks() if sink == "smtp-sink"]
    setups += [Setup(kind, 2, "", "20 ms")]
    if not bench.quick:
        setups += [Setup(kind, 2, "", "20 ms", 16), Setup(kind, 1, "", "20 ms")]
        setups += [Setup(kind, 1, key) for key in bench.keys]
        setups += [Setup(kind, 1, "", sink) for sink in _sinks() if sink == "smtp-sink"]
    return setups


_TO_REACH = {
    Setup("", 2): "4,000/s, ≤ 400 µs",
    Setup("", 2, "", "smtp-sink"): "2,000/s",
    Setup("", 2, "", "20 ms"): "2,500/s",
}


def _note_delivery(bench: Bench, setup: Setup, found: dict[str, Any], base: float) -> None:
    workers = f"{setup.workers} worker{'s' * (setup.workers > 1)}"
    what = f"{workers}, {setup.key or 'no DKIM'}, {setup.sink}"
    if setup.connections:
        what += f", {setup.connections} connections each"
    cpu = found["worker_user"] + found["worker_system"]
    times = f" ×{found['rate'] / base:.0f}" if not setup.key else ""
    others = f" [dim]others {found['other_cores']:.1f}[/dim]"
    shown = f"{found['rate']:,.0f}/s{times} ({cpu:.0f} µs){others}"
    found["times_naive"] = found["rate"] / base
    sought = _TO_REACH.get(Setup("", setup.workers, setup.key, setup.sink, setup.connections), "")
    bench.book.note(_END_TO_END, what, setup.store, shown, found, sought)


def measure_phases(bench: Bench) -> None:
    """Measure where the time of a message goes; signing does not depend on the database."""
    for store in bench.stores:
        for key in ("", *bench.keys) if not store.server else ("",):
            own = signing(bench.keys, key)
            found = phases.measure(store, bench.site, own, bench.size(1000, 5000), 2)
            for phase in phases.PHASES:
                cpu, wall = found["cpu"][phase], found["wall"][phase]
                what = f"{phase}, {key or 'no DKIM'}" if phase == "sign" else phase
                if phase == "sign" or not key:
                    values = {"cpu": cpu, "wall": wall}
                    bench.book.note(_PHASES, what, store.kind, f"{cpu:.0f} ({wall:.0f}) µs", values)


def measure_sweeps(bench: Bench) -> None:
    """Measure the cost of a sweep by the number of enrolments."""
    sizes = [10_000, 100_000] if bench.quick else [10_000, 100_000, 1_000_000]
    for store in bench.stores:
        for found in sweeps.measure(store, bench.site, sizes):
            for due, name in (("idle", "none due"), ("due", f"{sweeps.DUE} due")):
                shown = f"{found[f'sweep_{due}']:.2f}, batch {found[f'batch_{due}']:.2f}"
                what = f"{found['enrolled']:,} enrolled, {name}: sweep"
                bench.book.note(_SWEEP, what, store.kind, shown, found, "a flat line")


def measure_hits(bench: Bench) -> None:
    """Measure opens and clicks, alongside the load generator's own maximum."""
    for store in bench.stores:
        found = hits.measure(store, bench.site, bench.size(16_000, 40_000), 3)
        note = bench.book.note
        cpu = f" ({found['web_cpu']:.0f} µs)"
        others = f" [dim]others {found['other_cores']:.1f}[/dim]"
        note(_HITS, "answered", store.kind, f"{found['answered']:,.0f}/s{cpu}{others}", found)
        until, sought = f"{found['until_folded']:,.0f}/s", "8,000/s"
        what = "answered and folded meanwhile, until in the database"
        note(_HITS, what, store.kind, until, found, sought)
    most = load.ceiling(hits.requests_for([1, 2, 3], bench.size(8000, 40_000)))
    shown = f"{most.rate:,.0f}/s ({most.cost:.0f} µs)"
    values = {"rate": most.rate, "cpu": most.cost}
    bench.book.note(_HITS, "what the generator makes at most", "", shown, values)


def measure_segments(bench: Bench) -> None:
    """Measure the cost of counting a segment; the embedded database gets a tenth of the people."""
    for store in bench.stores:
        people = bench.size(20_000, 1_000_000 if store.server else 100_000)
        for found in segments.measure(store, people):
            what = f"{people:,} people, {found['events']:,} events: {found['what']}"
            shown = f"{found['seconds']:.2f} ({found['found']:,})"
            bench.book.note(_SEGMENTS, what, store.kind, shown, found, "seconds")


def measure_broadcast_review(bench: Bench) -> None:
    """Measure the review of a broadcast; the embedded database gets a tenth of the people."""
    for store in bench.stores:
        people = bench.size(20_000, 1_000_000 if store.server else 100_000)
        found, sought = broadcast_review.measure(store, people), "5 s" if store.server else "2 s"
        shown = f"{found['seconds']:.2f} ({found['reached']:,})"
        bench.book.note(_REVIEW, f"{people:,} people", store.kind, shown, found, sought)
        shown = f"{found['freezing']:.1f} ({found['readers']:,})"
        bench.book.note(_REVIEW, "deciding its audience", store.kind, shown, found)
        shown = f"{found['longest_signup']:.2f}"
        bench.book.note(_REVIEW, "the longest signup meanwhile", store.kind, shown, found, "1 s")


def measure_serving(bench: Bench) -> None:
    """Measure signups, the delivery of guides and memory, for the whole program."""
    for store in bench.stores:
        count = bench.size(200, 2000)
        alone = serving.measure_web_alone(store, bench.site, count)
        found = serving.measure(store, bench.site, count, bench.size(20, 60))
        _note_signups(bench, store, found, alone)
        _note_memory(bench, store, found)


def _note_signups(bench: Bench, store: Store, found: dict[str, Any], alone: float) -> None:
    note, kind = bench.book.note, store.kind
    note(_SERVE, "answered, web process alone", kind, f"{alone:,.0f}/s", {"rate": alone})
    note(_SERVE, "answered, guides leaving meanwhile", kind, f"{found['signups']:,.0f}/s", found)
    note(_SERVE, "guides accepted meanwhile", kind, f"{found['guides']:,.0f}/s", found)
    for name in ("p50", "p95"):
        what, shown = f"signup to its guide accepted, idle, {name}", f"{found[name]:.0f} ms"
        note(_SERVE, what, kind, shown, found, "under 1 s")


def _note_memory(bench: Bench, store: Store, found: dict[str, Any]) -> None:
    for when, name in (("rest", "at rest"), ("load", "under load")):
        for role, (count, resident, fair) in sorted(found[when].items()):
            each = f" ×{count:.0f}" if count > 1 and role != "whole tree" else ""
            sought = "300 MB" if (role, when) == ("whole tree", "rest") else ""
            shown = f"{fair:.0f} ({resident:.0f})"
            bench.book.note(
                _MEMORY, f"{name}: {role}{each}", store.kind, shown, found[when][role], sought
            )


def measure_afternoon(bench: Bench) -> None:
    """Measure continuous signups and hits, alone and while a mailing is sent."""
    seconds, pace = bench.size(40, 600), bench.size(4, 1)
    for store in bench.stores:
        for mailing in (0, bench.size(20_000, 20_000)):
            found = afternoon.measure(store, bench.site, seconds, mailing, pace)
            _note_afternoon(bench, store, found)


def _note_afternoon(bench: Bench, store: Store, found: dict[str, Any]) -> None:
    note, kind = bench.book.note, store.kind
    with_ = f", {found['mailing']:,} mails leaving" if found["mailing"] else ""
    for what, sought in (("signup", "p95 0.1 s"), ("hit", ""), ("guide", "most 10 s")):
        own = found[what]
        shown = f"{own['p50']:.3f} / {own['p95']:.3f} / {own['most']:.2f}"
        note(_AFTERNOON, f"{what}{with_}", kind, shown, found, sought)
    shown = f"{found['cpu_a_minute']:.0f} s [dim]others {found['other_cores']:.1f}[/dim]"
    note(_AFTERNOON, f"processor seconds a minute{with_}", kind, shown, found)
    held = found["memory"]
    shown = f"{held[len(held) // 4]:.0f}, {held[-1]:.0f}"
    note(_AFTERNOON, f"memory, MB: warm, at the end{with_}", kind, shown, found)


SECTIONS: Mapping[str, Callable[[Bench], None]] = {
    "delivery": measure_delivery,
    "phases": measure_phases,
    "sweeps": measure_sweeps,
    "hits": measure_hits,
    "segments": measure_segments,
    "review": measure_broadcast_review,
    "serving": measure_serving,
    "afternoon": measure_afternoon,
}
