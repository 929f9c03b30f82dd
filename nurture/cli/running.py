"""Commands that run the program, whole or in parts."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click

from nurture.cli.command import main
from nurture.settings import load_settings


@main.command()
def serve() -> None:
    """Run everything: pages, worker, beat and Redis.

    Redis only where none is set in NURTURE_REDIS_URL.
    """
    from nurture.serving import serve as serve_all

    sys.exit(serve_all(load_settings()))


@main.command()
def web() -> None:
    """Run the web side only."""
    from nurture.serving import web_command

    _become(web_command(load_settings()))


@main.command()
def worker() -> None:
    """Run a worker only; start as many as you like."""
    from nurture.serving import worker_command

    _become(worker_command(load_settings()))


@main.command()
def beat() -> None:
    """Run the alarm clock only; a second does no harm."""
    from nurture.serving import beat_command

    _become(beat_command(load_settings()))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as a JSON document.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep everything in this folder.")
def demo(as_json: bool, keep: Path | None) -> None:
    """Play two months of five people's lives for real."""
    from nurture.demo import play

    sys.exit(play(as_json=as_json, directory=keep))


def _become(command: list[str]) -> None:
    """Turn into that program, so that signals reach it directly."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(command[0], command)
