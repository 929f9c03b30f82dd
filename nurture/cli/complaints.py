"""Commands for complaints about data protection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.services.complaints.answers import ComplaintState


@main.command("complaints")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_database
def list_complaints(context: Context, as_json: bool) -> None:
    """List the complaints about data protection, those to be acknowledged first."""
    from nurture.services.complaints import answers

    found = answers.list_states(*context.stored, context.clock())
    if as_json:
        values = [_as_values(one) for one in found]
        return click.echo(json.dumps(values, ensure_ascii=False, indent=2))
    click.echo("\n".join(map(_in_a_line, found)) or "Nobody has complained.")


@main.group()
def complaint() -> None:
    """Read a complaint, and record what you did about it.

    Name it by its number or its reference. Nothing is emailed: you answer yourself.
    """


@complaint.command()
@click.argument("number")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_database
def show(context: Context, number: str, as_json: bool) -> None:
    """Print one complaint."""
    state = _find(context, number)
    if as_json:
        return click.echo(json.dumps(_as_values(state), ensure_ascii=False, indent=2))
    one = state.complaint
    about = {
        "from": " ".join(filter(None, (one.name, one.address or "(no longer kept)"))),
        "answer by": " ".join(filter(None, (one.answer_by, one.answer_to))),
        "sent": "by the link of an email" if one.by_link else "by the open form",
        "note": one.note,
    }
    lines = [f"  {name + ':':<11}{value}" for name, value in about.items() if value]
    click.echo("\n".join([_in_a_line(state), *lines, "", one.text or "(no longer kept)"]))


@complaint.command("acknowledge")
@click.argument("number")
@with_database
def acknowledge_complaint(context: Context, number: str) -> None:
    """Record that you have acknowledged its receipt."""
    from nurture.services.complaints import answers

    found = answers.identify(context.database, number)
    done = answers.acknowledge(context.database, found, context.clock())
    click.echo(
        f"Complaint {done.reference} is acknowledged since {done.acknowledged_at:%-d %B %Y}."
    )


@complaint.command("close")
@click.argument("number")
@with_database
def close_complaint(context: Context, number: str) -> None:
    """Record that it is answered; a year later its words and its address are removed."""
    from nurture.services.complaints import answers

    found = answers.identify(context.database, number)
    done = answers.close(context.database, context.tokens, found, context.clock())
    click.echo(f"Complaint {done.reference} is closed since {done.closed_at:%-d %B %Y}.")


@complaint.command("note")
@click.argument("number")
@click.argument("words")
@with_database
def note_complaint(context: Context, number: str, words: str) -> None:
    """Write a note beside it, in place of any other."""
    from nurture.services.complaints import answers

    answers.note(context.database, answers.identify(context.database, number), words)
    click.echo("Noted.")


def _find(context: Context, named: str) -> ComplaintState:
    from nurture.services.complaints import answers

    number = answers.identify(context.database, named)
    state = answers.find_state(*context.stored, number, context.clock())
    assert state is not None  # It has just been found.
    return state


def _in_a_line(state: ComplaintState) -> str:
    one = state.complaint
    whose = one.address or "(no longer kept)"
    said = f"{one.id:>4}  {one.reference}  {one.received_at:%Y-%m-%d %H:%M}  {whose}  "
    left = state.deadline
    if left is None:
        return said + state.stage
    if left.is_missed:
        return f"{said}TO ACKNOWLEDGE: the last day was {left.last_day}"
    return f"{said}to acknowledge by {left.last_day}: {left.days_left} of 30 days left"


def _as_values(state: ComplaintState) -> dict[str, Any]:
    one, left = state.complaint, state.deadline
    times = {
        name: at.isoformat() if at else None
        for name, at in (
            ("received_at", one.received_at),
            ("acknowledged_at", one.acknowledged_at),
            ("closed_at", one.closed_at),
        )
    }
    return {
        "number": one.id,
        "reference": one.reference,
        "stage": state.stage,
        "acknowledge_by": left.last_day.isoformat() if left else None,
        "days_left": left.days_left if left else None,
        "address": one.address,
        "name": one.name,
        "answer_by": one.answer_by,
        "answer_to": one.answer_to,
        "by_link": one.by_link,
        "text": one.text,
        "note": one.note,
        **times,
    }
