"""Commands for the websites that may show our forms and post to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context


@main.group("origins")
def origins() -> None:
    """Say which other websites may show your forms and send them in."""


@origins.command("list")
@with_database
def list_origins(context: Context) -> None:
    """List the websites that may: your own, and those you have added."""
    from nurture.services.door.origins import allowed_origins

    allowed = allowed_origins(*context.stored)
    for origin in allowed.own:
        click.echo(f"{origin}  (your website)")
    for origin in allowed.added:
        click.echo(origin)


@origins.command("add")
@click.argument("website")
@with_database
def add(context: Context, website: str) -> None:
    """Let the WEBSITE show your forms in its pages and send them in from there."""
    from nurture.services.door.origins import add_origin

    origin = add_origin(context.database, website, context.clock())
    click.echo(f"{origin} may show your forms and send them in.")


@origins.command("drop")
@click.argument("website")
@with_database
def drop(context: Context, website: str) -> None:
    """Take a WEBSITE that you have added off the list."""
    from nurture.services.door.origins import drop_origin

    origin = drop_origin(context.database, website)
    click.echo(f"{origin} is off the list. Its pages can no longer show your forms.")
