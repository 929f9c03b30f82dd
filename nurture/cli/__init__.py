"""The `nurture` command.

Each command imports what it needs when it runs: `serve` stays in memory for as long as
everything runs, and `--help` should not wait for a database library.
"""

from nurture.cli import (
    explaining,
    hits,
    owning,
    people,
    publishing,
    running,
    segments,
    simulating,
    steering,
    watching,
)
from nurture.cli.command import main

__all__ = [
    "explaining",
    "hits",
    "main",
    "owning",
    "people",
    "publishing",
    "running",
    "segments",
    "simulating",
    "steering",
    "watching",
]
