"""Commands for the mail server account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context


@main.group()
def account() -> None:
    """Check whether the mail account accepts email, and retry it."""


@account.command()
@with_database
def show(context: Context) -> None:
    """Show whether the mail account accepts email; if it does not, why and until when."""
    from nurture.services.account import hold as account_hold
    from nurture.services.account import words

    with context.database.reading() as connection:
        state = account_hold.state_of(connection, context.clock())
    if state.hold is None:
        return click.echo("The mail account accepts email.")
    held = state.hold
    click.echo(f"{words.what_is_wrong(held)} (since {held.since.isoformat()}).")
    click.echo(f"The mail server said: {held.reason}")
    click.echo(f"{state.waiting} people are waiting. Next try: {held.until.isoformat()}.")
    to_do = words.what_to_do(held, context.clock())
    if to_do:
        click.echo(to_do)


@account.command("try")
@with_database
def try_(context: Context) -> None:
    """Try the mail account again now.

    One email is sent first; if the mail server accepts it, the others follow.
    """
    from nurture.services.account import hold as account_hold

    held = account_hold.try_now(context.database, context.clock())
    click.echo("The next sweep will try." if held else "The mail account accepts email.")
