"""The command that explains what one person is sent and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.domain.rights.reach import Reach
    from nurture.services.profile.explanation import Explanation


@main.command()
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_database
def why(context: Context, email: str, as_json: bool) -> None:
    """Show what someone was sent, what comes next, when and why.

    It also says why the next email does not come sooner.
    """
    from nurture.services.profile.explanation import explain
    from nurture.store.tables.instance import is_armed

    with context.database.reading() as connection:
        armed = is_armed(connection, context.fingerprint, context.witness.seen())
    fixed = context.settings.account_choices
    found = explain(*context.stored, email, context.clock(), armed=armed, fixed=fixed)
    click.echo(json.dumps(_document(found), indent=2) if as_json else "\n".join(found.sentences))


def _right_document(one: Reach) -> dict[str, Any]:
    from nurture.domain.reasons import in_words

    return {
        "stream": one.scope.word,
        "answer": one.answer,
        "basis": one.basis,
        "strength": one.strength,
        "because": in_words(one.why) if one.why else None,
    }


def _document(found: Explanation) -> dict[str, Any]:
    from nurture.cli.simulate import entry_document

    zone = ZoneInfo(found.time_zone)
    return {
        "address": found.address,
        "time_zone": found.time_zone,
        "who": found.who,
        "may_write": [_right_document(one) for one in found.rights],
        "sent": [
            {
                "message": mail.message,
                "sequence": mail.sequence,
                "step": mail.step,
                "status": mail.status,
                "at": mail.at.isoformat(),
                "sentence": mail.sentence,
            }
            for mail in found.sent
        ],
        "next": found.next,
        "next_at": found.next_at.isoformat() if found.next_at else None,
        "why_not_sooner": found.why_not_sooner,
        "segments": found.segments,
        "coming": [entry_document(entry, zone) for entry in found.coming],
    }
