"""Commands that run the program, in whole or in part."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import click

from nurture.cli.command import main, private_settings
from nurture.settings import Settings

#: Settings that every running program uses; the README lists all settings.
_EVERYWHERE = """
  NURTURE_DATA_DIR      the directory for all data (var)
  NURTURE_DATABASE_URL  the database (SQLite in the data directory)
  NURTURE_REDIS_URL     Redis (the one that “nurture serve” starts)
"""

_LISTENING = """\b
Settings, from the environment or .env, with their defaults in brackets:
  NURTURE_HOST          the IPv4 or IPv6 address to listen on (127.0.0.1)
  NURTURE_PORT          the port to listen on (8000)
  NURTURE_BASE_URL      the public address of the pages (the address it listens on)
  NURTURE_SMTP_URL      the mail server (the outbox in the data directory)"""

_WORKING = """\b
Settings, from the environment or .env, with their defaults in brackets:
  NURTURE_SMTP_URL          the mail server (the outbox in the data directory)
  NURTURE_WORKER_PROCESSES  how many processes send emails (2)
  NURTURE_BATCH             how many enrolments make one batch (500)"""

_BEATING = """\b
Settings, from the environment or .env, with their defaults in brackets:
  NURTURE_SWEEP_SECONDS  seconds between two checks for what is due (5)"""


def listens(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command --host and --port options, which override the settings."""

    @click.option("--host", help="Address to listen on; overrides NURTURE_HOST.")
    @click.option(
        "--port", type=click.IntRange(0, 65535), help="Port to listen on; overrides NURTURE_PORT."
    )
    @wraps(command)
    def wrapped(host: str | None, port: int | None) -> None:
        # Set in the environment so that child processes, and those that replace them, get it too.
        given = {"NURTURE_HOST": host, "NURTURE_PORT": port}
        os.environ.update({n: str(value) for n, value in given.items() if value is not None})
        command()

    return wrapped


@main.command(epilog=_LISTENING + _EVERYWHERE)
@listens
def serve() -> None:
    """Run everything: pages, worker, beat and Redis.

    Redis is started only if NURTURE_REDIS_URL is not set.
    """
    from nurture.serving.serve import serve as serve_all

    sys.exit(serve_all(private_settings()))


@main.command(epilog=_LISTENING + _EVERYWHERE)
@listens
def web() -> None:
    """Run only the web server."""
    from nurture.serving.programs import run_web

    sys.exit(run_web(_readable(private_settings())))


@main.command(epilog=_WORKING + _EVERYWHERE)
def worker() -> None:
    """Run only a worker; start as many as you like."""
    from nurture.serving.programs import run_worker

    sys.exit(run_worker(_readable(private_settings())))


@main.command(epilog=_BEATING + _EVERYWHERE)
def beat() -> None:
    """Run only the scheduler; a second one does no harm."""
    from nurture.serving.programs import run_beat

    sys.exit(run_beat(private_settings()))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the result as a JSON document.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep everything in this folder.")
def demo(as_json: bool, keep: Path | None) -> None:
    """Play out two months of five people's lives for real."""
    from nurture.demo.play import play

    sys.exit(play(as_json=as_json, directory=keep))


def _readable(settings: Settings) -> Settings:
    """Return the settings, but refuse a database of a newer version or filled with other keys."""
    from nurture.bootstrap import refuse_unreadable

    refuse_unreadable(settings)
    return settings
