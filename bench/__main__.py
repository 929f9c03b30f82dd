"""`python -m bench`: measure everything in one run and print one table."""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import sections
from bench.figures import Book
from bench.keys import make_keys
from bench.library import lay_out_library
from bench.procfs import OtherWork, load
from bench.sections import Bench
from bench.stores import stores, versions
from bench.workers import Site
from nurture.broker.embedded import EmbeddedRedis


@dataclass(frozen=True)
class _Given:
    quick: bool
    json: Path | None
    only: list[str]


def main() -> None:
    """Measure the sections asked for."""
    given = _read_arguments()
    book = Book(_machine(given.quick))
    began, other = time.monotonic(), OtherWork()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        home = Path(directory)
        library = lay_out_library(home / "emails")
        with stores(home, library) as both, EmbeddedRedis.start(home / "redis") as redis:
            site = Site(home, redis, {"NURTURE_TEMPLATES_DIR": str(library)})
            bench = Bench(both, site, make_keys(home), book, given.quick)
            book.machine["databases"] = ", ".join(map(versions, both))
            for name in given.only:
                _run(name, sections.SECTIONS[name], bench)
    book.machine["load averages at the end"] = load()
    book.machine["cores busy with other work"] = f"{other.cores():.2f} in the mean"
    book.machine["took"] = f"{time.monotonic() - began:.0f} s"
    book.show()
    if given.json:
        book.write(given.json)


def _run(name: str, section: Callable[[Bench], None], bench: Bench) -> None:
    began = time.monotonic()
    print(f"{name} …", end=" ", file=sys.stderr, flush=True)
    section(bench)
    print(f"{time.monotonic() - began:.0f} s, load {load()}", file=sys.stderr, flush=True)


def _read_arguments() -> _Given:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in under three minutes; or QUICK=1")
    parser.add_argument("--json", type=Path, help="write the figures to a file; or JSON=FILE")
    parser.add_argument("--only", nargs="+", choices=sections.SECTIONS, metavar="SECTION")
    read = parser.parse_args()
    named = os.environ.get("JSON")
    return _Given(
        quick=read.quick or os.environ.get("QUICK", "") not in ("", "0"),
        json=read.json or (Path(named) if named else None),
        only=read.only or list(sections.SECTIONS),
    )


def _machine(quick: bool) -> dict[str, str]:
    described = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line for line in described if line.startswith("model name")), "unknown")
    return {
        "machine": f"{os.cpu_count()} cores, {model.partition(': ')[2]}",
        "Python": platform.python_version(),
        "sizes": "quick" if quick else "whole",
        "load averages at the start": load(),
    }


if __name__ == "__main__":
    main()
