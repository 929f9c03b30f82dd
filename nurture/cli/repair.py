"""The command that repairs what a mail server's quota did to subscribers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_database
from nurture.domain.sequences.sequence import parse_length

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.services.account.repair import WronglyFailed


@main.command("repair-quota")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--over", default="2 days", help="How long to spread the emails over.")
@click.option(
    "--words", default="", help="Also repair refusals in which the server used these words."
)
@with_database
def repair_quota(context: Context, dry_run: bool, yes: bool, over: str, words: str) -> None:
    """Repair what refusals of your mail account did to people.

    A used-up quota says nothing about the recipient. This lists the people we gave up on
    because of such a refusal, then starts emailing them again and sends the email they missed, if
    it is still their next one.
    """
    from nurture.services.account import repair

    span = parse_length(over)
    wronged = repair.find_wronged(context.database, words)
    _show(wronged)
    if dry_run or not wronged:
        return
    if not yes:
        click.confirm("Repair this?", abort=True)
    done = repair.put_right(*context.stored, wronged, context.clock(), span)
    click.echo(
        f"Addresses emailed again: {done.restored}. "
        f"Emails sent again: {done.offered}, spread over {over}."
    )


def _show(wronged: list[WronglyFailed]) -> None:
    if not wronged:
        return click.echo("No one was given up because of the mail account.")
    for one in wronged:
        click.echo(f"{one.address}\t{one.email}\t{one.reason}")
    by_email = Counter(one.email for one in wronged)
    click.echo("\n".join(f"{count} × {email}" for email, count in by_email.most_common()))
