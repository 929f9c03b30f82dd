"""Commands that say what would happen."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_house

if TYPE_CHECKING:
    from nurture.bootstrap import House


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


def _day(text: str | None, now: datetime) -> datetime:
    if text is None:
        return now
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"“{text}” is not a day; write it like 2026-11-23.") from None
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
