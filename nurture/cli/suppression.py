"""Commands for addresses that are not emailed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.services.subscribers.bounce_lifting import Listed


@main.group()
def suppression() -> None:
    """List suppressed addresses, and lift bounces made in error."""


@suppression.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_database
def list_suppressions(context: Context, as_json: bool) -> None:
    """List every address that is not emailed, with the reason and date, newest first."""
    from nurture.services.inbound import bounce_jumps
    from nurture.services.subscribers import bounce_lifting

    found = bounce_lifting.list_suppressions(context.database)
    if as_json:
        return click.echo(json.dumps([_as_values(one) for one in found], indent=2))
    if jump := bounce_jumps.find_jump(context.database):
        click.echo(
            f"{jump.bounced} of {jump.accepted} emails sent in a day bounced for good, and bounces "
            "since then are on hold. Decide what they are: “nurture suppression confirm” if "
            "the addresses are dead, “nurture suppression dismiss” if the mail server made a "
            "mistake."
        )
    for one in found:
        about = f"  {one.detail}" if one.detail else ""
        click.echo(f"{_name(one):<40}  {one.reason:<12}  since {one.since:%Y-%m-%d %H:%M}{about}")
    if not found:
        click.echo("Every address is emailed.")


@suppression.command()
@click.argument("email")
@click.option("--reason", required=True, help="Why the address is good again, in a few words.")
@with_database
def lift(context: Context, email: str, reason: str) -> None:
    """Resume emails to an address that has bounced.

    Only a bounce can be lifted. Anything it ended carries on from the same point.
    """
    from nurture.services.subscribers import bounce_lifting

    lifted = bounce_lifting.lift(*context.stored, context.tokens, email, reason, context.clock())
    if lifted.left:
        click.echo(f"The bounce is lifted, but {email} is still not emailed. {lifted.left}")
    else:
        click.echo(f"{email} is emailed again.")
    if lifted.hint:
        click.echo(lifted.hint)


@suppression.command()
@with_database
def confirm(context: Context) -> None:
    """Confirm that a jump in bounces is real, and suppress those addresses."""
    from nurture.services.inbound import bounce_jumps

    count = bounce_jumps.confirm(context.database, context.clock())
    click.echo(f"{_people(count)} suppressed. Everyone else is emailed again.")


@suppression.command()
@with_database
def dismiss(context: Context) -> None:
    """Dismiss a jump in bounces as a mail server's mistake, and email everyone as before."""
    from nurture.services.inbound import bounce_jumps
    from nurture.services.subscribers import bounce_lifting

    count = bounce_jumps.dismiss(*context.stored, bounce_lifting.COMMAND, context.clock())
    click.echo(f"No one is suppressed for it: {_people(count)} emailed again.")


def _people(count: int) -> str:
    return "1 person is" if count == 1 else f"{count} people are"


def _name(one: Listed) -> str:
    return one.address or f"(only a hash: {one.address_hash})"


def _as_values(one: Listed) -> dict[str, str | None]:
    return {
        "address": one.address or None,
        "address_hash": one.address_hash,
        "reason": one.reason,
        "since": one.since.isoformat(),
        "detail": one.detail,
    }
