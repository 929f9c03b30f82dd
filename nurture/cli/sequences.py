"""Commands that pause and resume a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_database
from nurture.domain.sequences.sequence import parse_length

if TYPE_CHECKING:
    from nurture.bootstrap import Context


@main.command()
@click.argument("sequence")
@with_database
def pause(context: Context, sequence: str) -> None:
    """Send nothing from a sequence until it is resumed.

    Guides are still delivered to people who ask for one.
    """
    from nurture.services.delivery import pause as sequence_pause

    changed = sequence_pause.pause(*context.stored, sequence, context.clock())
    click.echo("Paused." if changed else "It was already paused.")


@main.command()
@click.argument("sequence")
@click.option("--over", default="2 days", help="How long to spread the overdue emails over.")
@with_database
def resume(context: Context, sequence: str, over: str) -> None:
    """Resume a paused sequence, a few people at a time."""
    from nurture.services.delivery import pause as sequence_pause

    span = parse_length(over)
    count = sequence_pause.resume(*context.stored, sequence, context.clock(), span)
    click.echo(f"Resumed; {count} people who were waiting are spread over {over}.")
