"""The `nurture` command.

Each command imports what it needs when it runs: `serve` stays in memory for as long as
everything runs, and `--help` should not wait for a database library.
"""

from nurture.cli import (
    account,
    backing_up,
    dkim,
    doctor,
    explaining,
    held,
    hits,
    keys,
    owning,
    people,
    publishing,
    repair,
    restoring,
    running,
    segments,
    simulating,
    steering,
    suppressing,
    watching,
)
from nurture.cli.command import main

__all__ = [
    "account",
    "backing_up",
    "dkim",
    "doctor",
    "explaining",
    "held",
    "hits",
    "keys",
    "main",
    "owning",
    "people",
    "publishing",
    "repair",
    "restoring",
    "running",
    "segments",
    "simulating",
    "steering",
    "suppressing",
    "watching",
]
