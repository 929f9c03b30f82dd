"""Command that counts where signups came from."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.services.reports.sources import OriginFigures, SourceReport

#: As `SourceBy` has them, which would load the database's library.
_BY = ("source", "medium", "campaign", "page")
_DEEDS = ("signed_up", "collected", "booked", "unsubscribed")
_LINE = "{:>9}  {:>9}  {:>9}  {:>12}  {}"
_LONGEST = 60


@main.command("sources")
@click.argument("form")
@click.option("--by", type=click.Choice(_BY), default="source", help="What to count by.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Only people who signed up on that day (UTC) or later; otherwise the last four weeks.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_database
def sources(context: Context, form: str, by: str, since: datetime | None, as_json: bool) -> None:
    """Count where the people of a form came from, and what they did since.

    Everyone counts once, when they first signed up through the form.
    """
    from nurture.services.reports.sources import SourceBy, count_sources_since

    first = since.replace(tzinfo=UTC) if since else None
    found = count_sources_since(*context.stored, form, SourceBy(by), first, context.clock())
    if as_json:
        return click.echo(json.dumps(_document(form, found), ensure_ascii=False, indent=2))
    click.echo("\n".join(_in_words(found)))


def _document(form: str, found: SourceReport) -> dict[str, Any]:
    return {
        "form": form,
        "by": str(found.by),
        "since": found.since.astimezone(UTC).isoformat(),
        "figures": [{"value": one.value, **_numbers(one)} for one in found.figures],
        "rest": _numbers(found.rest),
        "total": _numbers(found.total),
    }


def _numbers(one: OriginFigures) -> dict[str, int]:
    return {name: getattr(one, name) for name in _DEEDS}


def _in_words(found: SourceReport) -> list[str]:
    day = found.since.date().isoformat()
    if not found.figures:
        return [f"Nobody has signed up through this form since {day}."]
    rest = [_line(found.rest, "everything else")] if found.rest.signed_up else []
    return [
        f"First signed up since {day}, by {'UTM campaign' if found.by == 'campaign' else found.by}",
        _LINE.format(*(name.replace("_", " ") for name in _DEEDS), "").rstrip(),
        *(_line(one, found.name_of(one)[:_LONGEST] or "not known") for one in found.figures),
        *rest,
        _line(found.total, "all"),
    ]


def _line(one: OriginFigures, name: str) -> str:
    return _LINE.format(*_numbers(one).values(), name).rstrip()
