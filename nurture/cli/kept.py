"""Commands for kept forms: listing and dropping them, and saying what their fields mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.domain.subscribers.consent import Purpose
    from nurture.services.door.replay import Replayed


#: How many of the newest forms are looked at for their fields.
_LOOKED_AT = 20


@main.group("kept")
def kept() -> None:
    """Look after forms that were sent by a website and that nothing could read."""


@kept.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@with_database
def list_kept(context: Context, as_json: bool) -> None:
    """List what is kept for each form, and the fields in it, but not what people wrote."""
    from nurture.services.door.kept_calls import count_kept

    counted = sorted(count_kept(context.database).items())
    fields = {form: _fields(context, form) for form, _ in counted}
    if as_json:
        told = [{"form": form, "count": n, "fields": fields[form]} for form, n in counted]
        return click.echo(json.dumps(told, indent=2))
    if not counted:
        return click.echo("Nothing is kept: every form could be read.")
    for form, count in counted:
        click.echo(f"{form}: {count} kept, with the fields")
        for pointer in fields[form]:
            click.echo(f"  {pointer}")


@kept.command("map")
@click.argument("form")
@click.option("--email", required=True, help="The field of the address, such as /fields/email.")
@click.option("--first-name", default="", help="The field of the first name.")
@click.option("--name", default="", help="The field of the full name.")
@click.option(
    "--box",
    "boxes",
    multiple=True,
    metavar="FIELD=PURPOSE",
    help="A field whose tick agrees to a purpose, such as /fields/ok=tracking. Repeatable.",
)
@with_database
def map_fields(
    context: Context, form: str, email: str, first_name: str, name: str, boxes: tuple[str, ...]
) -> None:
    """Say what the fields of FORM mean, and sign up everyone in what is kept for it.

    “nurture kept list” shows the fields. People sign up with the time at which they sent the form.
    """
    from nurture.domain.door.field_mapping import FieldMapping
    from nurture.services.door.mappings import as_boxes, save_mapping
    from nurture.services.door.replay import replay

    mapping = FieldMapping(email, first_name, name, as_boxes(map(_box, boxes)))
    save_mapping(*context.stored, form, mapping, context.clock())
    _tell(replay(context.door, form, context.clock()))


@kept.command("retry")
@click.argument("form", required=False)
@with_database
def retry(context: Context, form: str | None) -> None:
    """Sign up everyone in what is kept for FORM, or for every form, if it can be read now."""
    from nurture.services.door.kept_calls import count_kept
    from nurture.services.door.replay import replay

    for one in [form] if form else sorted(count_kept(context.database)):
        click.echo(f"{one}: ", nl=False)
        _tell(replay(context.door, one, context.clock()))


@kept.command("drop")
@click.argument("form")
@click.confirmation_option("--yes", prompt="Delete everything that is kept for this form?")
@with_database
def drop(context: Context, form: str) -> None:
    """Delete everything that is kept for FORM; nobody in it is signed up."""
    from nurture.services.door.kept_calls import drop_kept

    click.echo(f"Deleted: {drop_kept(context.database, form)}.")


def _fields(context: Context, form: str) -> list[str]:
    from nurture.domain.door.found_fields import found_fields
    from nurture.services.door.kept_calls import newest_kept

    newest = newest_kept(context.database, context.seal, form, _LOOKED_AT)
    return [one.pointer for one in found_fields(call.fields for call in newest)]


def _box(said: str) -> tuple[str, Purpose]:
    """Read `FIELD=PURPOSE`."""
    from nurture.domain.known_words import known
    from nurture.domain.subscribers.consent import Purpose
    from nurture.services.door.mappings import BOX_PURPOSES

    pointer, _, word = said.rpartition("=")
    purpose = known(Purpose, word, None)
    if not pointer or purpose not in BOX_PURPOSES:
        purposes = ", ".join(BOX_PURPOSES)
        raise click.BadParameter(f"Write --box FIELD=PURPOSE, where PURPOSE is one of {purposes}.")
    return pointer, purpose


def _tell(done: Replayed) -> None:
    waits = f", of which {done.waiting} wait for their turn" if done.waiting else ""
    click.echo(f"Signed up: {done.taken}{waits}. Still kept: {done.left}.")
