"""Commands for the keys: making a new one, and carrying on when a database's keys are lost."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nurture.cli.command import (
    main,
    private_settings,
    tables_are_there,
    with_context,
    written_whole,
)

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.domain.keys import Keys
    from nurture.settings import Settings


@main.group()
def secrets() -> None:
    """Change the key that links are signed with."""


@secrets.command()
@click.option("--leaked", is_flag=True, help="Trust the old keys only for opting out.")
@click.option("--to", type=click.Path(path_type=Path), help="Write the settings to a new file.")
@click.option("--show", is_flag=True, help="Print the settings, including the keys.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
def rotate(leaked: bool, to: Path | None, show: bool, as_json: bool) -> None:
    """Make a new key that signs everything from the next start.

    Existing links keep working. With --leaked, they can only stop emails or make them less
    frequent. The new key is written to secrets.env; if the keys are set in the environment or in
    .env, nothing is changed, and --to writes or --show prints the lines to put there.
    """
    from nurture.bootstrap import refuse_newer
    from nurture.store.database import Database

    if to and (show or to.exists()):
        raise click.UsageError(
            "use --to or --show, not both" if show else f"{to} already exists: name a new file"
        )
    settings = _settings_that_are_there()
    database = Database(settings.database)
    refuse_newer(database)
    database.close()
    said = _lines(settings, leaked, to, show) if to or show else _in_file(settings, leaked)
    if as_json:
        return click.echo(json.dumps(said, indent=2))
    for name, value in said.get("lines", {}).items():
        click.echo(_line(name, value), nl=False)
    _tell(said, err=show)


def _settings_that_are_there() -> Settings:
    """Return the settings if there is a key to rotate; a mistyped directory gets no new secrets."""
    from nurture.domain.errors import NurtureError
    from nurture.files.secrets import NAME, SECRET_KEY
    from nurture.settings import given_settings

    given = given_settings()
    path = Path(given.get("NURTURE_DATA_DIR", "var")) / NAME
    if SECRET_KEY not in given and not path.exists():
        raise NurtureError(
            f"There are no secrets at {path}.",
            remedy="Point NURTURE_DATA_DIR at the directory that has them.",
        )
    return private_settings(warn=False)


def _in_file(settings: Settings, leaked: bool) -> dict[str, Any]:
    from nurture.services.keys import rotation
    from nurture.settings import given_settings

    rotation.insist_on_file(given_settings(), os.environ)
    rotated = rotation.rotate(settings, leaked)
    return _document(settings, rotated.keys, leaked, str(settings.secrets_file), rotated.sealed)


def _lines(settings: Settings, leaked: bool, to: Path | None, show: bool) -> dict[str, Any]:
    from nurture.services.keys import rotation

    keys = rotation.draw(settings.keys, settings.database, leaked)
    lines = rotation.as_settings(keys)
    if to:
        with written_whole(to) as file:
            file.writelines(_line(*setting) for setting in lines.items())
    said = _document(settings, keys, leaked, "", rotation.Sealed.LATER)
    return said | {"written_to": str(to) if to else None} | ({"lines": lines} if show else {})


def _line(name: str, value: str) -> str:
    from nurture.files.env import as_line

    return as_line(name, value)


def _document(
    settings: Settings, keys: Keys, leaked: bool, file: str, sealed: str
) -> dict[str, Any]:
    """Return what was done and what to do next, with no key in it."""
    return {
        "changed": bool(file),
        "file": file or None,
        "leaked": leaked,
        "signing_keys": len(keys.signing),
        "leaked_keys": len(keys.leaked),
        "second_factors_sealed": str(sealed),
        "next": _next(file, leaked, sealed),
    }


def _next(file: str, leaked: bool, sealed: str) -> list[str]:
    """Return what to do next, in order."""
    if file:
        first = f"If you have several machines, copy {file} to each, for nurture’s own user only."
        again = "by sending “kill -HUP” to “nurture serve”, or"
    else:
        first = "Replace the current lines with these on every machine."
        again = "by “kill -HUP” to “nurture serve” only if they are set in .env, otherwise"
    steps = [
        first,
        f"Restart everything, {again} by stopping and starting it: every “nurture web” before the "
        "first “nurture worker”, so that every web process can read the new links.",
    ]
    if leaked and sealed != "afresh":
        steps.append(
            "Run “nurture publish”: it encrypts with the new key what the old one protects: the "
            "owners’ second factors, and the permission to use a connected mail account."
        )
    return [*steps, "Run “nurture backup”: older backups do not contain the new key."]


def _tell(said: dict[str, Any], err: bool) -> None:
    where = said["file"] or said.get("written_to")
    before = (
        "Existing links can only stop emails or make them less frequent."
        if said["leaked"]
        else "Existing links keep working."
    )
    made = f"A new key is in {where}." if where else "The lines above contain a new key."
    click.echo(
        f"{made} It signs links once everything has been restarted. {before}\nNext:", err=err
    )
    for number, step in enumerate(said["next"], start=1):
        click.echo(f"{number}. {step}", err=err)


@main.command("accept-keys")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@with_context
def accept_keys(context: Context, yes: bool) -> None:
    """Carry on with a database whose keys are lost for good.

    Links signed with the lost keys stay dead, and people who were erased are no longer recognised.
    """
    from nurture.services.keys import mark

    tables_are_there(context)
    if not yes and not click.confirm("Links signed with the lost keys stay dead. Continue?"):
        return click.echo("Nothing was changed.")
    count = mark.accept_keys(context.database, context.tokens)
    click.echo(f"Accepted: {count} people now belong to the current keys.")
