"""The `nurture` command.

Each command imports what it needs when it runs: `serve` stays in memory for as long as
everything runs, and `--help` should not wait for a database library.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nurture.domain.errors import NurtureError
from nurture.domain.sequence import parse_length
from nurture.settings import load_settings

if TYPE_CHECKING:
    from nurture.bootstrap import House
    from nurture.services.publishing import Publication


class _OneLine(click.Group):
    """Says what is wrong in one line and ends with 2 for bad usage, 1 for everything else."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.Abort:
            sys.exit(130)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(2)
        except click.UsageError as error:
            hint = f" Try “{error.ctx.command_path} --help”." if error.ctx else ""
            click.echo(f"nurture: {error.format_message().rstrip('.')}.{hint}", err=True)
            sys.exit(2)
        except NurtureError as error:
            click.echo(f"nurture: {error}", err=True)
            sys.exit(1)


@click.group(cls=_OneLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nurture")
def main() -> None:
    """Turn a visitor who asked for a free guide into somebody who books a session.

    Start with “nurture serve”: it asks for nothing and prints where to look.
    Settings come from NURTURE_… in the environment or in a file .env.
    """


def with_house(command: Callable[..., None]) -> Callable[..., None]:
    """Hand the command everything the program works with."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        from nurture.bootstrap import build

        command(build(), *args, **kwargs)

    return wrapped


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
@click.option("--overwrite", is_flag=True, help="Also where the owner published another state.")
@click.option("--dry-run", is_flag=True, help="Only say what it would change and for whom.")
@with_house
def publish(house: House, overwrite: bool, dry_run: bool) -> None:
    """Check the emails and sequences, publish what changed."""
    from nurture.library import read_library
    from nurture.services import publishing
    from nurture.store.migrating import migrate

    library = read_library(house.library)
    migrate(house.settings.database)
    if dry_run:
        return _tell(publishing.preview(house.database, library), "would change")
    published = publishing.publish(house.database, library, house.clock(), overwrite=overwrite)
    _tell(published, "published")


@main.command()
def check() -> None:
    """Check every sequence and email.

    Each finding is told with its file, its line and what to do about it.
    """
    from nurture.library import read_library
    from nurture.services import publishing

    library = read_library(load_settings().templates_dir)
    drafts = publishing.check(library)
    for said in publishing.to_fill_in(library):
        click.echo(f"to fill in: {said}")
    click.echo(f"{len(drafts)} files are in order.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_house
def status(house: House, as_json: bool) -> None:
    """Say how things stand, what is due and what in doubt."""
    from nurture.services import reporting

    _migrate(house)
    standing = reporting.status(house.database, house.fingerprint, house.witness, house.clock())
    click.echo(json.dumps(standing, indent=2) if as_json else _in_words(standing))


@main.command()
@with_house
def outbox(house: House) -> None:
    """Make a page of the mails in the local outbox."""
    from nurture.mail.outbox import write_index

    _migrate(house)
    click.echo(f"file://{write_index(house.outbox.absolute())}")


@main.command()
@with_house
def arm(house: House) -> None:
    """Let this instance send. A copied or restored database is silent until you say so."""
    from nurture.services import reporting

    _migrate(house)
    reporting.arm(house.database, house.fingerprint, house.witness, house.clock())
    click.echo("Armed: this instance sends from now on, and no copy of it does.")


@main.command()
@click.argument("message", type=int, required=False)
@click.option("--all", "everything", is_flag=True, help="All messages that are in doubt.")
@click.option("--sent/--not-sent", default=None, help="Whether the mail server took it.")
@with_house
def settle(house: House, message: int | None, everything: bool, sent: bool | None) -> None:
    """Say what became of a message in doubt.

    With --sent it counts as sent; with --not-sent it is offered again, if it may be.
    """
    from nurture.services import settling

    _migrate(house)
    if sent is None or (message is None) is not everything:
        raise click.UsageError("Name one message or --all, and say --sent or --not-sent.")
    rooms = (house.database, house.catalogue)
    if message is None:
        settled = settling.settle_all(*rooms, sent, house.clock())
    else:
        settled = {message: settling.settle(*rooms, message, sent, house.clock())}
    for number, outcome in settled.items():
        click.echo(f"message {number}: {outcome}")
    if not settled:
        click.echo("Nothing is in doubt.")


@main.command()
@click.argument("sequence")
@with_house
def pause(house: House, sequence: str) -> None:
    """Send nothing of a sequence until it is resumed.

    Guides are still handed over to whoever asks for one.
    """
    from nurture.services import pausing

    _migrate(house)
    changed = pausing.pause(house.database, house.catalogue, sequence, house.clock())
    click.echo("Paused." if changed else "It was paused already.")


@main.command()
@click.argument("sequence")
@click.option("--over", default="2 days", help="How long to spread over what is overdue.")
@with_house
def resume(house: House, sequence: str, over: str) -> None:
    """Go on with a paused sequence, a few people at a time."""
    from nurture.services import pausing

    _migrate(house)
    span = parse_length(over)
    count = pausing.resume(house.database, house.catalogue, sequence, house.clock(), span)
    click.echo(f"Resumed; {count} people who were waiting are spread over {over}.")


@main.command()
@click.argument("sequence")
@click.option("--from", "start", default=None, help="The day of the signup, as 2026-11-23.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_house
def simulate(house: House, sequence: str, start: str | None, as_json: bool) -> None:
    """Print the calendar of a sequence.

    It is that of somebody who signs up on a day and collects the guide at once.
    """
    from nurture.library import read_library
    from nurture.services import simulating

    at = _day(start, house.clock())
    entries = simulating.simulate(read_library(house.library), sequence, at)
    rows = [{"at": e.at.isoformat(), "email": e.email, "what": e.what} for e in entries]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        click.echo("\n".join(str(entry) for entry in entries))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as a JSON document.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep everything in this folder.")
def demo(as_json: bool, keep: Path | None) -> None:
    """Play two months of five people's lives for real."""
    from nurture.demo import play

    sys.exit(play(as_json=as_json, directory=keep))


def _migrate(house: House) -> None:
    """Bring the tables up to date; a mistyped data directory must not become a new database."""
    from nurture.store.migrating import migrate

    if not house.database.exists():
        raise NurtureError(
            f"There is no database at {house.settings.database}.",
            remedy="Start with “nurture serve”, or set NURTURE_DATA_DIR to where it is.",
        )
    migrate(house.settings.database)


def _become(command: list[str]) -> None:
    """Turn into that program, so that signals reach it directly."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(command[0], command)


def _tell(publication: Publication, done: str) -> None:
    for key in publication.changed:
        click.echo(f"{done}: {key}")
    for key, impact in publication.impacts.items():
        click.echo(f"{key}: {impact}")
    if not publication.changed:
        click.echo("Nothing changed.")
    for said in publication.to_fill_in:
        click.echo(f"to fill in: {said}")


def _in_words(standing: dict[str, Any]) -> str:
    lines = [f"nurture {standing['version']}, {standing['subscribers']} subscribers"]
    for what in ("enrolments", "messages", "events"):
        counted = ", ".join(f"{n} {status}" for status, n in sorted(standing[what].items()))
        lines.append(f"{what}: {counted or 'none yet'}")
    if standing["paused"]:
        lines.append(f"paused: {', '.join(standing['paused'])}")
    lines.append(f"due now: {standing['due_now']}, next look: {standing['next_due_at'] or 'never'}")
    doubt = "in doubt: {subscriber}, {step}, since {since}: {why}"
    lines += [doubt.format(**one) for one in standing["in_doubt"]]
    if not standing["armed"]:
        lines.append(
            "NOT ARMED: this is a copy and stays silent. Run “nurture arm” to let it send."
        )
    return "\n".join(lines)


def _day(text: str | None, now: datetime) -> datetime:
    if text is None:
        return now
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"“{text}” is not a day; write it like 2026-11-23.") from None
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
