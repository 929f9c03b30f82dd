"""Commands that stop a sequence and let it go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, up_to_date, with_house
from nurture.domain.sequences.sequence import parse_length

if TYPE_CHECKING:
    from nurture.bootstrap import House


@main.command()
@click.argument("sequence")
@with_house
def pause(house: House, sequence: str) -> None:
    """Send nothing of a sequence until it is resumed.

    Guides are still handed over to whoever asks for one.
    """
    from nurture.services.delivery import pause as sequence_pause

    up_to_date(house)
    changed = sequence_pause.pause(house.database, house.catalogue, sequence, house.clock())
    click.echo("Paused." if changed else "It was paused already.")


@main.command()
@click.argument("sequence")
@click.option("--over", default="2 days", help="How long to spread over what is overdue.")
@with_house
def resume(house: House, sequence: str, over: str) -> None:
    """Go on with a paused sequence, a few people at a time."""
    from nurture.services.delivery import pause as sequence_pause

    up_to_date(house)
    span = parse_length(over)
    count = sequence_pause.resume(house.database, house.catalogue, sequence, house.clock(), span)
    click.echo(f"Resumed; {count} people who were waiting are spread over {over}.")
