"""Commands for the key that emails are signed with."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_context

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.mail.dkim import Signer


@main.group()
def dkim() -> None:
    """Make the key that signs emails, and show its DNS record."""


@dkim.command()
@click.option("--selector", default="nurture1", show_default=True, help="The key's name in DNS.")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Where to write the key.")
@with_context
def new(context: Context, selector: str, path: Path | None) -> None:
    """Make a key, and say what to add to DNS and which settings to change.

    Nothing is signed with the key until it is set. An existing key is never overwritten.
    """
    from nurture.mail.dkim import Signer, new_key

    path = path or context.settings.data_dir / f"dkim-{selector}.pem"
    pem = new_key()
    signer = Signer.load(selector, pem, context.practice.sender_domain)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(pem)
    except FileExistsError:
        raise click.UsageError(
            f"{path} already exists. Choose another --selector, or another --file."
        ) from None
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}.") from None
    click.echo(f"The key is in {path.absolute()}; keep it private.\n")
    _show(signer)
    click.echo(
        "\nOnce the DNS record can be looked up, set these in the environment or in .env, and "
        "restart nurture:\n"
        f"  NURTURE_DKIM_SELECTOR={selector}\n"
        f"  NURTURE_DKIM_KEY_FILE={path.absolute()}"
    )


@dkim.command()
@with_context
def show(context: Context) -> None:
    """Show the DNS record of the configured key."""
    from nurture.mail.dkim import Signer

    settings = context.settings
    if not settings.dkim_selector or not settings.dkim_key_file:
        raise click.UsageError("No key is set. Run “nurture dkim new” to make one.")
    try:
        pem = settings.dkim_key_file.read_bytes()
    except OSError as error:
        raise click.UsageError(f"NURTURE_DKIM_KEY_FILE cannot be read: {error.strerror}.") from None
    _show(Signer.load(settings.dkim_selector, pem, context.practice.sender_domain))


def _show(signer: Signer) -> None:
    name, value = signer.dns_record()
    click.echo("Add this record to DNS, or ask the person who manages your domain to add it:")
    click.echo(f"  name   {name}")
    click.echo("  type   TXT")
    click.echo(f"  value  {value}")
    if len(value) > 255:
        pieces = " ".join(f'"{piece}"' for piece in re.findall(".{1,255}", value))
        click.echo(f"If it is refused as too long, enter it in pieces:\n  {pieces}")
