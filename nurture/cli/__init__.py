"""The `nurture` command, with one module for each group of commands.

Each command imports what it needs only when it runs: `serve` stays in memory for as long as
everything runs, and `--help` should not wait for a database library.
"""

from nurture.cli import (  # noqa: F401  Each adds its commands to the group.
    account,
    backup,
    broadcasts,
    complaints,
    dkim,
    doctor,
    everybody,
    evidence,
    feed,
    held,
    hits,
    imports,
    inbound,
    kept,
    keys,
    origins,
    owner,
    people,
    programs,
    publish,
    repair,
    restore,
    segments,
    sequences,
    simulate,
    site_keys,
    sources,
    status,
    suppression,
    trace,
    waiting,
    why,
)
from nurture.cli.command import main

__all__ = ["main"]
