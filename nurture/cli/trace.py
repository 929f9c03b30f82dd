"""The command that shows the walk of one message."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.services.delivery.trace import Trace, TraceEntry


@main.command()
@click.argument("message")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_database
def trace(context: Context, message: str, as_json: bool) -> None:
    """Show one message from due to read, with times and reasons.

    MESSAGE is the number of a message, as “nurture why ADDRESS --json” and “nurture status --json”
    print it, or the Message-ID header of an email. Each line says when something happened, what it
    was, and why. Nothing is changed.

    Times are in UTC. The command exits with 1 if there is no such message.
    """
    from nurture.services.delivery.trace import trace as trace_message

    found = trace_message(
        context.database, context.tokens, context.logbooks, message, context.clock()
    )
    if as_json:
        click.echo(json.dumps(_document(found), indent=2))
        return
    click.echo(f"Message {found.message} ({found.message_id}): {found.email}, {found.kind}")
    click.echo(
        f"to {found.address or '(erased)'} (subscriber {found.subscriber}), {found.status}\n"
    )
    for entry in found.entries:
        click.echo(_line(entry))
        for reason in entry.reasons:
            click.echo(f"{'':31}{reason}")


def _line(entry: TraceEntry) -> str:
    at = f"{entry.at:%Y-%m-%d %H:%M:%S}" if entry.at else ""
    return f"{at:19}  {entry.stage:8}  {entry.said}"


def _document(found: Trace) -> dict[str, Any]:
    return {
        "message": found.message,
        "message_id": found.message_id,
        "subscriber": found.subscriber,
        "address": found.address,
        "email": found.email,
        "kind": found.kind,
        "status": found.status,
        "walk": [
            {
                "stage": entry.stage,
                "at": entry.at.isoformat() if entry.at else None,
                "said": entry.said,
                "reasons": entry.reasons,
            }
            for entry in found.entries
        ],
    }
