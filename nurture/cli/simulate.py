"""Commands that say what would happen."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from nurture.cli.command import main, up_to_date, with_house
from nurture.domain.errors import NurtureError

if TYPE_CHECKING:
    from nurture.bootstrap import House
    from nurture.domain.simulation.person import Person
    from nurture.domain.simulation.world import Entry, World
    from nurture.services.simulation.comparison import Comparison
    from nurture.services.simulation.world import Simulated

_FOLDER = click.Path(exists=True, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@main.command()
@click.argument("sequence")
@click.option("--people", type=_FILE, help="A TOML file of people to play; see below.")
@click.option("--like", metavar="EMAIL", help="This person, from where they stand now.")
@click.option("--from", "start", metavar="DATE", help="The day of the signup, as 2026-11-23.")
@click.option("--proposed", is_flag=True, help="What the files say, not what is published.")
@click.option("--path", type=_FOLDER, help="What another library or sequence folder says.")
@click.option("--compare", type=_FOLDER, help="What that change would do to people under way.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_house
def simulate(
    house: House,
    sequence: str,
    people: Path | None,
    like: str | None,
    start: str | None,
    proposed: bool,
    path: Path | None,
    compare: Path | None,
    as_json: bool,
) -> None:
    """Play a sequence on a virtual clock and print who gets what when.

    It is the published sequence, unless another is asked for, and somebody who signs up
    and collects the guide at once. A file of people says it otherwise:

    \b
      [[people]]
      name      = "Anna"
      signs_up  = 2026-12-21T18:30:00   # a day alone means noon
      time_zone = "Europe/London"
      ticks     = ["tracking"]          # boxes beside the form
      collects  = "2 hours"             # after the guide; or "at once", "never"
      opens     = true                  # every mail
      clicks    = true                  # every article's link
      does      = [{ after = "9 days", what = "books" }]

    docs/simulating.md has the rest.
    """
    _refuse_contradictions(people, like, start, compare)
    world, state = _world(house, sequence, proposed, path)
    if compare:
        found = _compared(house, sequence, compare)
        return click.echo(json.dumps(_comparison(found), indent=2) if as_json else str(found))
    now = house.clock()
    at = _moment(start, now, world.time_zone)
    played = _played(house, world, sequence, people, like, at)
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
        raise click.UsageError("Give one of --people, --like and --compare.")
    if start and (like or compare):
        raise click.UsageError("--from is for newcomers; people under way are played from now.")


def _world(house: House, key: str, proposed: bool, path: Path | None) -> tuple[World, str]:
    """The world to play in, and what its state is called."""
    from nurture.library.folder import read_library
    from nurture.services.catalogue import NothingPublishedError
    from nurture.services.simulation.world import (
        world_as_published,
        world_as_written,
        world_changed_by,
    )

    published = None
    if house.database.exists():
        up_to_date(house)
        try:
            with house.database.reading() as connection:
                published = world_as_published(connection, house.catalogue)
        except NothingPublishedError:
            published = None
    if path:
        world = published or world_as_written(read_library(house.library))
        return world_changed_by(path, world), f"as written in {path}"
    if published and key in published.sequences and not proposed:
        return published, "as published"
    return world_as_written(read_library(house.library)), "as written in its files"


def _played(
    house: House, world: World, key: str, file: Path | None, like: str | None, at: datetime
) -> list[Simulated]:
    from nurture.domain.simulation.person import newcomer
    from nurture.services.simulation.world import get_sequence, play

    sequence = get_sequence(world, key)
    if like:
        return play(world, [_somebody(house, like, key, world, at)], at)
    if file:
        from nurture.library.people import parse_people

        text = _text_of(file)
        people = parse_people(text, sequence, at, world.time_zone, str(file))
        return play(world, people, min(person.facts.created_at for person in people))
    name = "Somebody who collects the guide at once" if sequence.has_guide else "Somebody"
    return play(world, [newcomer(name, at, sequence, time_zone=world.time_zone)], at)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise NurtureError(
            f"{file} cannot be read: {error}.", remedy="Save it as plain text in UTF-8."
        ) from None


def _somebody(house: House, address: str, key: str, world: World, now: datetime) -> Person:
    """A real person as they stand, who comes into the sequence now if they never were in it."""
    from nurture.services.simulation.snapshot import portray_address

    up_to_date(house)
    with house.database.reading() as connection:
        person = portray_address(connection, address, now)
    return person.coming_into(world.sequences[key], now)


def _compared(house: House, key: str, path: Path) -> Comparison:
    from nurture.services.simulation.comparison import compare

    up_to_date(house)
    with house.database.reading() as connection:
        return compare(connection, house.catalogue, key, path, house.clock())


def _document(simulated: Simulated) -> dict[str, Any]:
    zone = ZoneInfo(simulated.person.facts.time_zone)
    return {
        "name": simulated.person.name,
        "time_zone": zone.key,
        "entries": [entry_document(entry, zone) for entry in simulated.entries],
    }


def entry_document(entry: Entry, zone: ZoneInfo) -> dict[str, Any]:
    """An entry as plain values; `local` is its moment on the person's own clock."""
    from nurture.cli.calendar import notes

    return {
        "at": entry.at.isoformat(),
        "local": entry.at.astimezone(zone).isoformat(),
        "what": entry.what,
        "sequence": entry.sequence,
        "step": entry.step,
        "kind": entry.kind,
        "why": entry.why,
        "until": entry.until.isoformat() if entry.until else None,
        "notes": notes(entry),
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    from nurture.services.simulation.comparison import as_document

    return as_document(found)


def _moment(text: str | None, now: datetime, time_zone: str) -> datetime:
    """A day alone means noon where the practice is."""
    if text is None:
        return now
    from nurture.library.people import parse_moment

    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"“{text}” is not a day; write it like 2026-11-23.") from None
    is_day = len(text) == len("2026-11-23")
    return parse_moment(said.date() if is_day else said, time_zone, "--from")
