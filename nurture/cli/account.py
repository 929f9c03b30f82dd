"""Commands about the account at the mail server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, up_to_date, with_house

if TYPE_CHECKING:
    from nurture.bootstrap import House


@main.group()
def account() -> None:
    """Show whether the mail account takes mail, and try it again."""


@account.command()
@with_house
def show(house: House) -> None:
    """Say whether the mail account takes mail, and if not, why and until when."""
    from nurture.services.account import hold as account_hold
    from nurture.services.account import words

    up_to_date(house)
    with house.database.reading() as connection:
        state = account_hold.state_of(connection, house.clock())
    if state.hold is None:
        return click.echo("The mail account takes mail.")
    held = state.hold
    click.echo(f"{words.what_is_wrong(held)} (since {held.since.isoformat()}).")
    click.echo(f"The mail server’s words: {held.reason}")
    click.echo(f"{state.waiting} people are waiting. Next try: {held.until.isoformat()}.")
    to_do = words.what_to_do(held, house.clock())
    if to_do:
        click.echo(to_do)


@account.command("try")
@with_house
def try_(house: House) -> None:
    """Try at once whether the mail account takes mail again.

    One email leaves first; if the mail server accepts it, the others follow.
    """
    from nurture.services.account import hold as account_hold

    up_to_date(house)
    held = account_hold.try_now(house.database, house.clock())
    click.echo("Trying at the next sweep." if held else "The mail account takes mail.")
