"""Commands that run the program, whole or in parts."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nurture.cli.command import main, private_settings
from nurture.settings import Settings


@main.command()
def serve() -> None:
    """Run everything: pages, worker, beat and Redis.

    Redis only where none is set in NURTURE_REDIS_URL.
    """
    from nurture.serving import serve as serve_all

    sys.exit(serve_all(private_settings()))


@main.command()
def web() -> None:
    """Run the web side only."""
    from nurture.serving import run_web

    sys.exit(run_web(_readable(private_settings())))


@main.command()
def worker() -> None:
    """Run a worker only; start as many as you like."""
    from nurture.serving import run_worker

    sys.exit(run_worker(_readable(private_settings())))


@main.command()
def beat() -> None:
    """Run the alarm clock only; a second does no harm."""
    from nurture.serving import run_beat

    sys.exit(run_beat(private_settings()))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as a JSON document.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep everything in this folder.")
def demo(as_json: bool, keep: Path | None) -> None:
    """Play two months of five people's lives for real."""
    from nurture.demo import play

    sys.exit(play(as_json=as_json, directory=keep))


def _readable(settings: Settings) -> Settings:
    """The settings, unless the database is a newer program's or was filled with other keys."""
    from nurture.bootstrap import refuse_unreadable

    refuse_unreadable(settings)
    return settings
