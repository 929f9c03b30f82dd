"""Commands for what is held back after a restore, or came in from another installation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nurture.bootstrap import Context
    from nurture.services.backup.held import Held


@main.group()
def held() -> None:
    """Send or drop what came due between backup and restore, or came in with people."""


@held.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_database
def list_held(context: Context, as_json: bool) -> None:
    """List what is held, by person: it may have been sent already, which the backup cannot know."""
    from nurture.services.backup import held as held_back

    found = held_back.list_held(*context.stored, context.clock())
    values = [as_values(one) for one in found]
    if as_json:
        return click.echo(json.dumps(values, ensure_ascii=False, indent=2))
    click.echo("\n".join(map(in_words, values)) or "Nothing is held.")


@held.command()
@click.argument("email", required=False)
@click.option("--all", "everybody", is_flag=True, help="Everything that is held.")
@with_database
def release(context: Context, email: str | None, everybody: bool) -> None:
    """Send what is held after all, once this instance is armed."""
    from nurture.services.backup import held as held_back

    chosen = _chosen(context, email, everybody)
    held_back.let_go_on(context.database, [one.enrolment for one in chosen], context.clock())
    click.echo(f"Released: {len(chosen)}.")


@held.command()
@click.argument("email", required=False)
@click.option("--all", "everybody", is_flag=True, help="Everything that is held.")
@with_database
def drop(context: Context, email: str | None, everybody: bool) -> None:
    """Treat what is held as sent; each sequence carries on after it at its own pace."""
    from nurture.services.backup import held as held_back

    chosen = _chosen(context, email, everybody)
    numbers = [one.enrolment for one in chosen]
    held_back.drop(*context.stored, numbers, context.clock())
    click.echo(f"Dropped: {len(chosen)}.")


def _chosen(context: Context, email: str | None, everybody: bool) -> list[Held]:
    from nurture.services.backup import held as held_back
    from nurture.services.subscribers.lookup import identify

    if (email is None) is not everybody:
        raise click.UsageError("Give one address, or --all.")
    person = identify(context.database, context.tokens, email) if email else None
    return held_back.list_held(*context.stored, context.clock(), person)


def as_values(one: Held) -> dict[str, Any]:
    """Return one held enrolment as values for a JSON document."""
    return {
        "enrolment": one.enrolment,
        "email": one.address,
        "name": one.name,
        "sequence": one.sequence,
        "steps": list(one.steps),
        "brought_back": one.brought_back,
        "delivered": one.delivered,
        "delivered_at": one.delivered_at.isoformat() if one.delivered_at else None,
    }


def in_words(one: Mapping[str, Any]) -> str:
    """Return one held enrolment as a line of text."""
    steps = ", ".join(f"“{step}”" for step in one["steps"]) or "the next step"
    told = [f"{one['email']}: {steps} ({one['sequence']})"]
    if one["brought_back"]:
        told.append("signed up on the lost machine, so its links no longer work")
    if one["delivered"]:
        told.append(
            f"the mail provider says that {one['delivered']} of that machine’s emails reached "
            f"them, the last at {one['delivered_at']}"
        )
    return "; ".join(told)
