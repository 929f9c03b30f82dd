"""Commands for the keys of websites: making, listing and revoking them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nurture.cli.command import main, with_database
from nurture.domain.errors import NurtureError

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.services.door.site_keys import Site


@main.group("site-key")
def site_key() -> None:
    """Give a website its own address for signups, which can be revoked."""


@site_key.command("add")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@with_database
def add(context: Context, name: str, as_json: bool) -> None:
    """Make a key for the website NAME, and print the addresses that its forms call.

    A form that neither signs nor sends a header needs such an address. Anyone who reads the page's
    source can read the key, so it proves nothing: everyone who comes that way confirms by
    collecting the guide. The secret is for the website alone.
    """
    from nurture.services.door.site_keys import add_site

    site = add_site(context.database, context.seal, name, context.clock())
    if as_json:
        return click.echo(json.dumps(_told(context, site), indent=2))
    click.echo(f"The key of “{site.name}” is {site.key}")
    for address in _addresses(context, site):
        click.echo(f"  {address}")
    click.echo(f"A website that can sign its calls signs them with {site.secret}")


@site_key.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@with_database
def list_keys(context: Context, as_json: bool) -> None:
    """List the websites that have a key, the newest first."""
    from nurture.services.door.site_keys import list_sites

    sites = list_sites(context.database, context.seal)
    if as_json:
        return click.echo(json.dumps([_told(context, site) for site in sites], indent=2))
    if not sites:
        return click.echo("No website has a key. “nurture site-key add NAME” makes one.")
    for site in sites:
        revoked = f", revoked on {site.revoked_at:%Y-%m-%d}" if site.revoked_at else ""
        click.echo(f"{site.id}  {site.name}  (made on {site.made_at:%Y-%m-%d}{revoked})")
        if not site.revoked_at:
            for address in _addresses(context, site):
                click.echo(f"     {address}")


@site_key.command("revoke")
@click.argument("number", type=int)
@with_database
def revoke(context: Context, number: int) -> None:
    """Stop accepting the key with this NUMBER, which “nurture site-key list” shows."""
    from nurture.services.door.site_keys import revoke_site

    revoke_site(context.database, number, context.clock())
    click.echo("Revoked. Calls with that key are refused from now on.")


@site_key.command("plugin")
@click.argument("number", type=int)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The zip file to write, readable by you alone.",
)
@with_database
def plugin(context: Context, number: int, out: Path) -> None:
    """Write the WordPress plugin for the website with this NUMBER, which “list” shows.

    The zip holds the key and the signing secret of that website: upload it there, under Plugins,
    Add new, and delete your copy.
    """
    from nurture import __version__
    from nurture.files.private import replace_private
    from nurture.services.door.plugin import build_zip, plugin_forms
    from nurture.services.door.site_keys import get_numbered_site

    site = get_numbered_site(context.database, context.seal, number)
    forms = plugin_forms(context.get_published())
    packed = build_zip(site, context.settings.public_url, forms, __version__)
    try:
        replace_private(out, packed)
    except OSError as error:
        raise NurtureError(
            f"{out} cannot be written: {error.strerror}.",
            remedy="Choose a folder that you can write to.",
        ) from None
    click.echo(f"Wrote {out}. Upload it to “{site.name}”, under Plugins, Add new.")


def _told(context: Context, site: Site) -> dict[str, Any]:
    return {
        "id": site.id,
        "name": site.name,
        "made_at": site.made_at.isoformat(),
        "revoked_at": site.revoked_at.isoformat() if site.revoked_at else None,
        "key": site.key,
        "secret": site.secret,
        "addresses": _addresses(context, site) if not site.revoked_at else [],
    }


def _addresses(context: Context, site: Site) -> list[str]:
    base = context.settings.public_url
    return [f"{base}/webhooks/signup/{form}/{site.key}" for form in context.get_published().forms]
