"""Commands for who may open the studio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, up_to_date, with_context, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context


@main.group()
def owner() -> None:
    """Manage who may open the studio."""


@owner.command()
@click.argument("email")
@with_context
def add(context: Context, email: str) -> None:
    """Print a link that lets EMAIL set a password, once and within 24 hours.

    For an existing owner, it sets a new password.
    """
    from nurture.services.owner import sessions

    if not _looks_like_an_address(email):
        raise click.UsageError(f"“{email}” is not an email address")
    up_to_date(context)
    token = sessions.make_link(context.database, email, context.clock())
    click.echo("Open this link within 24 hours; it works once:")
    click.echo(f"{context.settings.public_url}/studio/welcome/{token}")


@owner.command("list")
@with_database
def list_owners(context: Context) -> None:
    """List the owners, who may open the studio."""
    from nurture.services.owner import sessions

    found = sessions.all_owners(context.database)
    for one in found:
        has_set = "" if one.password_hash else " (has not set a password yet)"
        click.echo(f"{one.address}{has_set}")
    if not found:
        click.echo("There are no owners yet; add yourself with: nurture owner add you@example.org")


@owner.command()
@click.argument("email")
@with_database
def remove(context: Context, email: str) -> None:
    """Bar EMAIL from the studio, immediately."""
    from nurture.services.owner import sessions

    sessions.remove_owner(context.database, email)
    click.echo(f"{email} is signed out everywhere and can no longer sign in.")


@owner.command("reset-codes")
@click.argument("email")
@with_database
def reset_codes(context: Context, email: str) -> None:
    """Stop asking EMAIL for codes from a phone.

    For an owner who has lost both their phone and their recovery codes. The password stays the
    same, and a second factor can be set up again on the account page.
    """
    from nurture.services.owner import security

    security.reset_codes(context.database, email)
    click.echo(f"{email} is signed out everywhere and now signs in with the password alone.")


def _looks_like_an_address(email: str) -> bool:
    name, _, domain = email.strip().rpartition("@")
    return bool(name and domain) and len(email.split()) == 1
