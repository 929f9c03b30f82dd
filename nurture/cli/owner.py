"""Commands about who may open the studio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, up_to_date, with_house

if TYPE_CHECKING:
    from nurture.bootstrap import House


@main.group()
def owner() -> None:
    """Say who may open the studio."""


@owner.command()
@click.argument("email")
@with_house
def add(house: House, email: str) -> None:
    """Print a link with which EMAIL sets a password, once and within a day.

    For somebody who is an owner already it is the way to a new password.
    """
    from nurture.services.owner import sessions

    if not _looks_like_an_address(email):
        raise click.UsageError(f"“{email}” is no email address")
    up_to_date(house)
    token = sessions.make_link(house.database, email, house.clock())
    click.echo("Open this link within 24 hours; it works once:")
    click.echo(f"{house.settings.public_url}/studio/welcome/{token}")


@owner.command("list")
@with_house
def list_owners(house: House) -> None:
    """List who may open the studio."""
    from nurture.services.owner import sessions

    up_to_date(house)
    found = sessions.all_owners(house.database)
    for one in found:
        has_set = "" if one.password_hash else " (has not set a password yet)"
        click.echo(f"{one.address}{has_set}")
    if not found:
        click.echo("Nobody yet; add yourself with: nurture owner add you@example.org")


@owner.command()
@click.argument("email")
@with_house
def remove(house: House, email: str) -> None:
    """Let EMAIL into the studio no more, beginning now."""
    from nurture.services.owner import sessions

    up_to_date(house)
    sessions.remove_owner(house.database, email)
    click.echo(f"{email} is signed out everywhere and can no longer sign in.")


@owner.command("reset-codes")
@click.argument("email")
@with_house
def reset_codes(house: House, email: str) -> None:
    """Ask EMAIL for no codes from a phone any more.

    For whoever has lost phone and recovery codes; the password stays, and a second factor can be
    set up afresh on the account's page.
    """
    from nurture.services.owner import security

    up_to_date(house)
    security.reset_codes(house.database, email)
    click.echo(f"{email} is signed out everywhere and signs in with the password alone.")


def _looks_like_an_address(email: str) -> bool:
    name, _, domain = email.strip().rpartition("@")
    return bool(name and domain) and len(email.split()) == 1
