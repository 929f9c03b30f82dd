"""The command for when the keys of a database are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, tables_are_there, with_house

if TYPE_CHECKING:
    from nurture.bootstrap import House


@main.command("accept-keys")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_house
def accept_keys(house: House, yes: bool) -> None:
    """Go on with a database whose keys are lost for good.

    Every link sent so far stays dead, and people who were erased are not recognised any more.
    """
    from nurture.services import keying

    tables_are_there(house)
    if not yes and not click.confirm("Every link sent so far stays dead. Go on?"):
        return click.echo("Nothing was changed.")
    count = keying.accept_keys(house.database, house.tokens)
    click.echo(f"Accepted: {count} people are known by the present keys from now on.")
