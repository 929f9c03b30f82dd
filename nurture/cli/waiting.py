"""Commands for signups that wait: listing them, letting them go, and deleting them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.store.tables.waiting_signups import WaitingChoice, WaitingSignup

_NUMBER = click.argument("number", type=int, required=False)
_ALL = click.option("--all", "everything", is_flag=True, help="All that are chosen, or that wait.")
_WHY = click.option(
    "--why",
    type=click.Choice(["flood", "hurried", "unproven", "robot"]),
    default=None,
    help="Only those that wait for this reason.",
)
_FROM = click.option("--from", "site", default="", help="Only those of this network.")
_TO = click.option("--to", "domain", default="", help="Only those at this domain.")


@main.group()
def waiting() -> None:
    """Look through signups that wait because too many came at once, and let them go."""


@waiting.command("list")
@_WHY
@_FROM
@_TO
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@with_database
def list_waiting(context: Context, why: str | None, site: str, domain: str, as_json: bool) -> None:
    """List the first signups that wait, how many do, and from which networks most of them come."""
    from nurture.services.door import waiting_line

    found = waiting_line.survey_waiting(context.database, _choice(None, why, site, domain))
    if as_json:
        values = {
            "waiting": found.counts.by_reason,
            "since": found.counts.since.isoformat() if found.counts.since else None,
            "networks": dict(found.networks),
            "domains": dict(found.domains),
            "signups": [_told(one) for one in found.signups],
        }
        return click.echo(json.dumps(values, indent=2))
    if not found.counts.total:
        return click.echo("No signup waits.")
    for reason, count in sorted(found.counts.by_reason.items()):
        click.echo(f"{reason}: {count}")
    for network, count in found.networks:
        click.echo(f"from {network}: {count}")
    for one in found.signups:
        click.echo(f"{one.id}  {one.signed_up_at:%Y-%m-%d %H:%M}  {one.address}  ({one.why})")


@waiting.command("let-go")
@_NUMBER
@_ALL
@_WHY
@_FROM
@_TO
@with_database
def let_go(
    context: Context, number: int | None, everything: bool, why: str | None, site: str, domain: str
) -> None:
    """Let signups go now, before all others: the one with this NUMBER, or those chosen."""
    from nurture.services.door import waiting_line

    choice = _chosen(number, everything, why, site, domain)
    count = waiting_line.let_go(context.database, choice, context.clock())
    context.doorbell.ring()
    click.echo(f"Let go: {count}. Their guides leave within moments.")


@waiting.command("drop")
@_NUMBER
@_ALL
@_WHY
@_FROM
@_TO
@with_database
def drop(
    context: Context, number: int | None, everything: bool, why: str | None, site: str, domain: str
) -> None:
    """Delete signups that wait: the one with this NUMBER, or those chosen. No email is sent."""
    from nurture.services.door import waiting_line

    choice = _chosen(number, everything, why, site, domain)
    click.echo(f"Deleted: {waiting_line.drop(context.database, choice)}.")


def _chosen(
    number: int | None, everything: bool, why: str | None, site: str, domain: str
) -> WaitingChoice:
    if number is None and not everything and not (why or site or domain):
        raise click.UsageError("Give a number, --why, --from, --to or --all.")
    return _choice(number, why, site, domain)


def _choice(number: int | None, why: str | None, site: str, domain: str) -> WaitingChoice:
    from nurture.store.tables.waiting_signups import WaitingChoice

    return WaitingChoice(number, why or "", site=site, domain=domain)


def _told(one: WaitingSignup) -> dict[str, Any]:
    return {
        "id": one.id,
        "form": one.form,
        "email": one.address,
        "why": one.why,
        "signed_up_at": one.signed_up_at.isoformat(),
        "network": one.site,
        "let_go": one.let_go_at is not None,
    }
