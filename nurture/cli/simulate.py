"""The command that predicts what would happen."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from nurture.cli.command import main, up_to_date, with_context
from nurture.domain.errors import NurtureError

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.domain.simulation.person import Person
    from nurture.domain.simulation.world import SimulatedEvent, World
    from nurture.services.simulation.comparison import Comparison
    from nurture.services.simulation.world import Simulated

_FOLDER = click.Path(exists=True, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@main.command()
@click.argument("sequence")
@click.option("--people", type=_FILE, help="A TOML file of people to simulate; see above.")
@click.option("--like", metavar="EMAIL", help="Simulate this person, from where they are now.")
@click.option("--from", "start", metavar="DATE", help="The day of the signup, such as 2026-11-23.")
@click.option("--proposed", is_flag=True, help="Use the files, not what is published.")
@click.option("--path", type=_FOLDER, help="Use another library or sequence folder.")
@click.option(
    "--compare",
    type=_FOLDER,
    help="Show what the change in this folder would do to people already in the sequence.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_context
def simulate(
    context: Context,
    sequence: str,
    people: Path | None,
    like: str | None,
    start: str | None,
    proposed: bool,
    path: Path | None,
    compare: Path | None,
    as_json: bool,
) -> None:
    """Simulate a sequence and print who gets what when.

    It runs on a virtual clock. By default it is the published sequence, for someone who signs up
    and collects the guide immediately. A file of people can describe others:

    \b
      [[people]]
      name      = "Anna"
      signs_up  = 2026-12-21T18:30:00   # a date alone means noon
      time_zone = "Europe/London"
      ticks     = ["tracking"]          # boxes beside the form
      collects  = "2 hours"             # after the guide; or "at once", "never"
      opens     = true                  # every email
      clicks    = true                  # every article's link
      does      = [{ after = "9 days", what = "books" }]

    See docs/simulating.md for the rest.
    """
    _refuse_contradictions(people, like, start, compare)
    world, state = _world(context, sequence, proposed, path)
    if compare:
        found = _compared(context, sequence, compare)
        return click.echo(json.dumps(_comparison(found), indent=2) if as_json else str(found))
    now = context.clock()
    at = _moment(start, now, world.time_zone)
    played = _played(context, world, sequence, people, like, at)
    if as_json:
        document = {"sequence": sequence, "state": state, "people": [_document(p) for p in played]}
        return click.echo(json.dumps(document, indent=2))
    click.echo(f"{sequence}, {state}")
    from nurture.cli.calendar import calendar

    for one in played:
        click.echo("\n" + "\n".join(calendar(one, sequence)))


def _refuse_contradictions(
    people: Path | None, like: str | None, start: str | None, compare: Path | None
) -> None:
    if sum(map(bool, (people, like, compare))) > 1:
        raise click.UsageError("Give only one of --people, --like and --compare.")
    if start and (like or compare):
        raise click.UsageError(
            "--from is for new signups; people already in a sequence are simulated from now."
        )


def _world(context: Context, key: str, proposed: bool, path: Path | None) -> tuple[World, str]:
    """Return the world to play in, and a description of its state."""
    from nurture.library.folder import read_library
    from nurture.services.account.outlook import account_load
    from nurture.services.catalogue import NothingPublishedError
    from nurture.services.simulation.world import (
        world_as_published,
        world_as_written,
        world_changed_by,
    )

    published = None
    if context.database.exists():
        up_to_date(context)
        try:
            with context.database.reading() as connection:
                load = account_load(connection, context.settings.account_choices, context.clock())
                published = world_as_published(connection, context.catalogue, load)
        except NothingPublishedError:
            published = None
    if path:
        world = published or world_as_written(read_library(context.library))
        return world_changed_by(path, world), f"as written in {path}"
    if published and key in published.sequences and not proposed:
        return published, "as published"
    return world_as_written(read_library(context.library)), "as written in its files"


def _played(
    context: Context, world: World, key: str, file: Path | None, like: str | None, at: datetime
) -> list[Simulated]:
    from nurture.domain.simulation.person import newcomer
    from nurture.services.simulation.world import get_sequence, play

    sequence = get_sequence(world, key)
    if like:
        return play(world, [_somebody(context, like, key, world, at)], at)
    if file:
        from nurture.library.people import parse_people

        text = _text_of(file)
        people = parse_people(text, sequence, at, world.time_zone, str(file))
        return play(world, people, min(person.facts.created_at for person in people))
    name = "Someone who collects the guide at once" if sequence.has_guide else "Someone"
    return play(world, [newcomer(name, at, sequence, time_zone=world.time_zone)], at)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise NurtureError(
            f"{file} cannot be read: {error}.", remedy="Save it as plain text in UTF-8."
        ) from None


def _somebody(context: Context, address: str, key: str, world: World, now: datetime) -> Person:
    """Return a real person as they are now, entering the sequence now if they were never in it."""
    from nurture.services.simulation.snapshot import portray_address

    up_to_date(context)
    with context.database.reading() as connection:
        person = portray_address(connection, address, now)
    return person.coming_into(world.sequences[key], now)


def _compared(context: Context, key: str, path: Path) -> Comparison:
    from nurture.services.simulation.comparison import compare

    up_to_date(context)
    with context.database.reading() as connection:
        return compare(connection, context.catalogue, key, path, context.clock())


def _document(simulated: Simulated) -> dict[str, Any]:
    zone = ZoneInfo(simulated.person.facts.time_zone)
    return {
        "name": simulated.person.name,
        "time_zone": zone.key,
        "entries": [entry_document(entry, zone) for entry in simulated.entries],
    }


def entry_document(entry: SimulatedEvent, zone: ZoneInfo) -> dict[str, Any]:
    """Return an entry as plain values; `local` is its time in the person's own time zone."""
    from nurture.cli.calendar import notes, why_of

    return {
        "at": entry.at.isoformat(),
        "local": entry.at.astimezone(zone).isoformat(),
        "what": entry.what,
        "sequence": entry.sequence,
        "step": entry.step,
        "kind": entry.kind,
        "why": why_of(entry),
        "until": entry.until.isoformat() if entry.until else None,
        "notes": notes(entry),
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    from nurture.services.simulation.comparison import as_document

    return as_document(found)


def _moment(text: str | None, now: datetime, time_zone: str) -> datetime:
    """Parse --from; a date alone means noon in the practice's time zone."""
    if text is None:
        return now
    from nurture.library.people import parse_moment

    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"“{text}” is not a date; write it like 2026-11-23.") from None
    is_day = len(text) == len("2026-11-23")
    return parse_moment(said.date() if is_day else said, time_zone, "--from")
