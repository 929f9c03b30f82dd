"""Commands that report on the program, and settle what only the owner can."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from nurture.cli.backup import needed_elsewhere
from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_database
def status(context: Context, as_json: bool) -> None:
    """Show the program's state, what is due and what is in doubt."""
    from nurture.bootstrap import broker_trouble, doubts
    from nurture.services.backup import held, state
    from nurture.services.door import waiting_line
    from nurture.services.reports import status as status_report
    from nurture.services.subscribers import machine_files

    standing = status_report.status(
        context.database,
        context.fingerprint,
        context.witness,
        context.clock(),
        context.settings.account_choices,
    )
    standing["broker_trouble"] = broker_trouble(context)
    standing["mail_provider"] = context.mail_provider
    standing["disk_trouble"] = context.disk.trouble or None
    standing["erasures_to_follow"] = machine_files.pending(context.database, context.files)
    standing["hits"] = status_report.hits_standing(context.database, context.journals)
    standing["held"] = held.count_held(context.database)
    standing["signups_waiting"] = dict(waiting_line.count_waiting(context.database).by_reason)
    standing["backup"] = state.standing(context.backup_setup, context.find_backup, context.clock())
    if as_json:
        return click.echo(json.dumps(standing, indent=2))
    troubles = (context.where_mails_stay, context.proxy_trouble, context.crowd_trouble)
    click.echo("\n".join(filter(None, (_in_words(standing), *troubles))))
    for said in doubts(context.settings):
        click.echo(f"probably a mistake: {said}")
    for said in context.settings.mend_files().warnings:
        click.echo(f"not private: {said}")


@main.command()
@with_database
def outbox(context: Context) -> None:
    """Make a page of the emails in the local outbox."""
    from nurture.mail.outbox.folder import write_index

    click.echo(f"file://{write_index(context.outbox.absolute())}")


@main.command()
@with_database
def arm(context: Context) -> None:
    """Let this instance send. A copied or restored database sends nothing until you run this."""
    from nurture.services.reports import status as status_report

    status_report.arm(context.database, context.fingerprint, context.witness, context.clock())
    click.echo("Armed: this instance now sends emails, and no copy of it does.")


@main.command()
@click.argument("message", type=int, required=False)
@click.option("--all", "everything", is_flag=True, help="Settle all messages that are in doubt.")
@click.option("--sent/--not-sent", default=None, help="Whether the mail server accepted it.")
@with_database
def settle(context: Context, message: int | None, everything: bool, sent: bool | None) -> None:
    """Say what became of a message in doubt.

    With --sent it counts as sent; with --not-sent it is offered again, if that is allowed.
    """
    from nurture.services.delivery import doubts as message_doubts

    if sent is None or (message is None) is not everything:
        raise click.UsageError("Give one message or --all, and --sent or --not-sent.")
    rooms = context.stored
    if message is None:
        settled = message_doubts.settle_all(*rooms, sent, context.clock())
    else:
        settled = {message: message_doubts.settle(*rooms, message, sent, context.clock())}
    for number, outcome in settled.items():
        click.echo(f"message {number}: {outcome}")
    if not settled:
        click.echo("Nothing is in doubt.")


_HELD = "mail account: has accepted nothing since {since} ({cause}), next try {until}: {reason}"
_HITS = "opens and clicks counted but not stored: {only_counted}, unreadable lines: {unreadable}"
_DOUBT = "in doubt: {subscriber}, {step}, since {since}: {why}"


def _account(account: dict[str, Any]) -> list[str]:
    """Say what keeps the mail account from sending, and what it has used of its limits."""
    lines = [_HELD.format(**account)] if account["cause"] else []
    limits = account["limit"] or {}
    used = [
        f"{account['used'][window]:,} of {limits[window]:,} this {window}"
        for window in account["used"]
        if limits.get(window)
    ]
    if used:
        lines.append(f"mail account: has sent {', '.join(used)}")
    if account["waiting"] and not account["cause"]:
        when = f", until {account['until']}" if account["until"] else ""
        lines.append(f"waiting for the mail account: {account['waiting']:,}{when}")
    return lines


def _in_words(standing: dict[str, Any]) -> str:
    lines = [f"nurture {standing['version']}, {standing['subscribers']} subscribers"]
    lines.append(f"mail provider: {standing['mail_provider']}")
    for what in ("enrolments", "messages", "events"):
        counted = ", ".join(f"{n} {status}" for status, n in sorted(standing[what].items()))
        lines.append(f"{what}: {counted or 'none yet'}")
    if standing["paused"]:
        lines.append(f"paused: {', '.join(standing['paused'])}")
    lines += _account(standing["account"])
    lines.append(f"due now: {standing['due_now']}, next due: {standing['next_due_at'] or 'never'}")
    lines += [_DOUBT.format(**one) for one in standing["in_doubt"]]
    hits = standing["hits"]
    if hits["only_counted"] or hits["unreadable"]:
        lines.append(_HITS.format(**hits))
    if standing["broker_trouble"]:
        lines.append(f"NO EMAIL IS SENT: {standing['broker_trouble']}")
    if standing["disk_trouble"]:
        lines.append(f"THE DISK IS NEARLY FULL: {standing['disk_trouble']}")
    if standing["erasures_to_follow"]:
        lines.append(
            f"erasures: {standing['erasures_to_follow']} are still to be applied to the files of "
            "this machine; a worker does so within a minute"
        )
    if standing["held"]:
        lines.append(
            f"held since the restore: {standing['held']}; “nurture held list” shows it, “nurture "
            "held release” sends it, “nurture held drop” treats it as sent"
        )
    if standing["signups_waiting"]:
        total = sum(standing["signups_waiting"].values())
        lines.append(f"signups waiting: {total}; “nurture waiting list” shows them")
    lines += _backup(standing["backup"])
    if not standing["armed"]:
        lines.append(
            "NOT ARMED: this is a copy and sends nothing. Run “nurture arm” to let it send."
        )
    return "\n".join(lines)


_GOOD = "last good backup: {file}, {age_hours} hours old, {kilobytes:,} KB, {rows:,} rows"


def _backup(standing: dict[str, Any]) -> list[str]:
    good, waiting = standing["last_good"], standing["withdrawals_to_copy"]
    lines = [_GOOD.format(**good) if good else "last good backup: none yet"]
    if good:
        name = good["file"].rpartition("/")[2]
        lines.append(needed_elsewhere(name, standing["withdrawals_journal"]))
    if standing["trouble"]:
        lines.append(f"BACKUPS: {standing['trouble']}")
    if not standing["withdrawals_survive_this_machine"]:
        lines.append(
            f"opt-outs are recorded in {standing['withdrawals_journal']}, which would be lost with "
            "this machine: set NURTURE_BACKUP_URL to a place elsewhere"
        )
    if waiting:
        lines.append(
            f"not yet in the journal of withdrawals: {waiting}; they are copied within a minute"
        )
    return lines
