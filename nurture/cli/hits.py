"""The command that judges stored opens and clicks again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.services.tracking.verdicts import Changes


@main.command()
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Only hits from that day (UTC) onwards."
)
@click.option("--dry-run", is_flag=True, help="Show what would change, but change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_database
def rejudge(context: Context, since: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Judge stored opens and clicks again by the latest rules.

    Those whose IP address and user agent have already been deleted keep their verdict. You can run
    it twice, and while everything else is running.
    """
    from nurture.services.tracking import verdicts

    begin = since.replace(tzinfo=UTC) if since else None
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        click.echo(f"{done:,} judged …", err=True)

    changes = verdicts.rejudge(context.database, begin, dry_run=dry_run, tell=tell)
    click.echo(_json(changes, dry_run) if as_json else _words(changes, dry_run))


def _json(changes: Changes, dry_run: bool) -> str:
    document = {
        "judged": changes.judged,
        "changed": [
            {"from": before, "to": after, "hits": count}
            for (before, after), count in sorted(changes.changed.items())
        ],
        "dry_run": dry_run,
    }
    return json.dumps(document, indent=2)


def _words(changes: Changes, dry_run: bool) -> str:
    change = "would change" if dry_run else "changed"
    lines = [f"{changes.judged:,} hits judged; {changes.changed.total():,} verdicts {change}."]
    lines += [
        f"  from {before} to {after}: {count:,}"
        for (before, after), count in sorted(changes.changed.items())
    ]
    return "\n".join(lines)
