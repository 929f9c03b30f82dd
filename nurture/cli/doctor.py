"""The command that checks everything and says how to fix what it finds."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nurture.bootstrap import Context
    from nurture.services.health.examination import Check
    from nurture.services.health.finding import Finding

_COLOURS = {"failure": "red", "warning": "yellow", "ok": "green"}


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the findings.")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
def doctor(as_json: bool, strict: bool) -> None:
    """Check everything that can go wrong, and say how to fix it.

    It only looks: it writes nothing, and finishes within 15 seconds even if something hangs.

    Each finding has a name, a level (ok, warning or failure), a sentence and a remedy; with --json
    these are the keys of each object. The exit code is 0 if nothing has failed, even with warnings,
    and 1 if something has failed; with --strict, warnings also make it 1.
    """
    found = _findings()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        _tell(found)
    levels = {finding.level.value for finding in found}
    sys.stdout.flush()
    sys.exit(1 if "failure" in levels or (strict and "warning" in levels) else 0)


def _findings() -> list[Finding]:
    from nurture.bootstrap import build
    from nurture.domain.errors import NurtureError
    from nurture.services.health.examination import examine
    from nurture.services.health.finding import failed, failed_by
    from nurture.settings import load_settings

    try:
        context = build(load_settings(looking=True), looking=True)
    except NurtureError as error:
        return [failed_by("settings", error)]
    except Exception as error:
        # An address that cannot be parsed may contain a password, and so may the error's text.
        said = f"One of the configured addresses cannot be parsed ({type(error).__name__})."
        remedy = "Check NURTURE_DATABASE_URL: write : / ? # @ % in a password as %3A and so on."
        return [failed("settings", said, remedy)]
    return examine(_checks(context))


def _checks(context: Context) -> Mapping[str, Check]:
    """Return every check by name; each runs in its own thread."""
    from nurture.bootstrap import doubts
    from nurture.clock import real_now
    from nurture.services.health import machine, surroundings

    settings = context.settings
    return {
        "settings": lambda: machine.settings(settings, doubts(settings)),
        "files": lambda: machine.files(settings),
        "shared memory": machine.shared_memory,
        "disk": lambda: machine.disk(context.disk, settings),
        "clock": lambda: machine.clock(settings, real_now()),
        "database": lambda: _database(context),
        "backups": lambda: _kept_outside(context),
        "redis": lambda: _redis(context),
        "mail server": lambda: surroundings.mail_server(
            settings, context.where_mails_stay, context.access_tokens
        ),
        "signing": lambda: _signing(context),
        "dns": lambda: surroundings.names(settings, context.practice),
        "web": lambda: surroundings.web(settings),
        "public address": lambda: surroundings.public_address(settings, real_now),
        "providers": lambda: surroundings.providers(settings, context.relay),
        "visitors": lambda: _visitors(context),
    }


def _database(context: Context) -> Iterator[Finding]:
    """Check the database and, if it is usable, what is in it."""
    from nurture.clock import real_now
    from nurture.services.health import surroundings
    from nurture.services.health.finding import failed, failed_by, fine
    from nurture.services.keys.mark import KeysMissingError, refuse_other_keys
    from nurture.store.tables.instance import time_of

    if not context.database.exists():
        said = f"There is no database at {context.database.engine.url.database} yet."
        remedy = "Start “nurture serve”, or point NURTURE_DATA_DIR at the right directory."
        yield failed("database", said, remedy)
        return
    if (trouble := _misfit(context)) is not None:
        yield trouble
        return
    yield fine("database", "It answers, and its tables match this version.")
    with context.database.reading() as connection:
        told, now = time_of(connection), real_now()
    if told is not None:
        yield from surroundings.compare_clocks("the database", told, now)
    try:
        refuse_other_keys(context.database, context.tokens)
    except KeysMissingError as error:
        yield failed_by("secrets", error)
    if context.published is None:
        yield failed("published", "Nothing has been published yet.", "Run “nurture publish”.")
    yield from _rows(context)


def _misfit(context: Context) -> Finding | None:
    """Return why the tables cannot be used, or None; may raise `DatabaseUnavailableError`."""
    from nurture.bootstrap import OlderDatabaseError, refuse_older
    from nurture.services.health.finding import failed_by
    from nurture.store.database import NewerDatabaseError
    from nurture.store.shape import is_newer

    found = context.database.find_shape()
    if is_newer(found):
        return failed_by("database", NewerDatabaseError(str(found)))
    try:
        refuse_older(context.database)
    except OlderDatabaseError as error:
        return failed_by("database", error)
    return None


def _rows(context: Context) -> Iterator[Finding]:
    from nurture.clock import real_now
    from nurture.services.broadcasts.feed_source import FeedSource, feed_state
    from nurture.services.health import rows, safekeeping
    from nurture.services.inbound.mailbox import state_of

    moments = rows.Moments(context.clock(), real_now())
    fingerprint, seen = context.fingerprint, context.witness.seen()
    with context.database.reading() as connection:
        yield from rows.sending(connection, fingerprint, seen, moments)
        yield from rows.left_over(connection, moments)
        yield from rows.hits(connection, context.journals, moments)
        yield from rows.callers(connection, moments.now)
        yield from rows.studio(connection)
    yield from rows.mailbox(state_of(context.database, context.mailbox), moments.now)
    yield from rows.feed(FeedSource.of(context.settings), feed_state(context.database), moments.now)
    yield from safekeeping.erasures(context.database, context.files)


def _kept_outside(context: Context) -> Iterator[Finding]:
    """Check backups and withdrawals; `_database` reports any trouble with the database."""
    from nurture.services.health import safekeeping
    from nurture.store.database import DatabaseUnavailableError

    try:
        if context.database.exists() and _misfit(context) is None:
            yield from safekeeping.withdrawals(context.backup_setup, context.clock())
            yield from safekeeping.backups(
                context.backup_setup, context.find_backup, context.clock()
            )
    except DatabaseUnavailableError:
        return


def _redis(context: Context) -> Iterator[Finding]:
    from nurture.bootstrap import broker_trouble
    from nurture.services.health.finding import failed, fine

    if trouble := broker_trouble(context):
        remedy = "Fix this: until then no emails are sent, but none are lost."
        yield failed("redis", trouble, remedy)
    elif context.settings.redis_url:
        yield fine("redis", "It answers, and the program can write to it.")
    else:
        yield fine("redis", "The program starts its own.")


def _signing(context: Context) -> Iterator[Finding]:
    """Check that emails can be signed with the configured key."""
    from nurture.mail.setup import make_sign
    from nurture.services.health.finding import fine

    if context.settings.dkim_selector:
        make_sign(context.settings, context.practice.sender_domain, context.relay)
        yield fine("signing", f"The key {context.settings.dkim_selector} works.")


def _visitors(context: Context) -> Iterator[Finding]:
    from nurture.services.health.finding import doubtful

    if trouble := context.proxy_trouble:
        yield doubtful("proxy", trouble, "See docs/behind-a-proxy.md.")
    if trouble := context.crowd_trouble:
        yield doubtful("visitors", trouble, "See var/logs/web.log for when it happened.")


def _tell(found: list[Finding]) -> None:
    """Print the findings for people: worst first, coloured on a terminal, wrapped to its width."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    indent = " " * 10
    for finding in found:
        level = click.style(f"{finding.level.value:<8}", fg=_COLOURS[finding.level], bold=True)
        said = f"{finding.name}: {finding.sentence}"
        click.echo(f"{level}  {_wrapped(said, width, indent)}")
        if finding.remedy:
            click.echo(f"{indent}{_wrapped(f'→ {finding.remedy}', width, indent)}")
    counted = {one: sum(f.level == one for f in found) for one in _COLOURS}
    click.echo(
        f"{counted['failure']} failed, {counted['warning']} warnings, {counted['ok']} passed."
    )


def _wrapped(text: str, width: int, indent: str) -> str:
    columns = max(width - len(indent) - 1, 30)
    lines = textwrap.wrap(text, columns, break_long_words=False, break_on_hyphens=False)
    return f"\n{indent}".join(lines)
