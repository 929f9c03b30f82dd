"""The command that looks at everything and says what to do about it."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nurture.bootstrap import House
    from nurture.services.health.examination import Check
    from nurture.services.health.finding import Finding

_COLOURS = {"failure": "red", "warning": "yellow", "ok": "green"}


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the findings.")
@click.option("--strict", is_flag=True, help="End with 1 for warnings as well.")
def doctor(as_json: bool, strict: bool) -> None:
    """Look at everything that can be wrong, and say what to do about it.

    It only looks: it writes nothing, and takes 15 seconds at most, whatever hangs.

    Each finding has a name, a level (ok, warning or failure), a sentence and a remedy; with --json
    these are the keys of each. It ends with 0 where nothing has failed, warnings or not, with 1
    where something has, and with 1 for warnings too if you say --strict.
    """
    found = _findings()
    if as_json:
        click.echo(json.dumps([_as_values(finding) for finding in found], indent=2))
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
        house = build(load_settings(looking=True), looking=True)
    except NurtureError as error:
        return [failed_by("settings", error)]
    except Exception as error:
        # An address that cannot be read may hold a password, and so may the error's text.
        said = f"An address that is set cannot be read ({type(error).__name__})."
        remedy = "Look at NURTURE_DATABASE_URL: write : / ? # @ % in a password as %3A and so on."
        return [failed("settings", said, remedy)]
    return examine(_checks(house))


def _checks(house: House) -> Mapping[str, Check]:
    """Every check by name; each runs in a thread of its own."""
    from nurture.bootstrap import doubts
    from nurture.clock import real_now
    from nurture.services.health import machine, surroundings

    settings = house.settings
    return {
        "settings": lambda: machine.settings(settings, doubts(settings)),
        "files": lambda: machine.files(settings),
        "shared memory": machine.shared_memory,
        "disk": lambda: machine.disk(house.disk, settings),
        "clock": lambda: machine.clock(settings, real_now()),
        "database": lambda: _database(house),
        "backups": lambda: _kept_outside(house),
        "redis": lambda: _redis(house),
        "mail server": lambda: surroundings.mail_server(settings, house.where_mails_stay),
        "signing": lambda: _signing(house),
        "dns": lambda: surroundings.names(settings, house.practice),
        "web": lambda: surroundings.web(settings),
        "public address": lambda: surroundings.public_address(settings, real_now),
        "providers": lambda: surroundings.providers(settings, house.relay),
        "visitors": lambda: _visitors(house),
    }


def _database(house: House) -> Iterator[Finding]:
    """The database, and where it can be worked with, what is in it."""
    from nurture.clock import real_now
    from nurture.services.health import surroundings
    from nurture.services.health.finding import failed, failed_by, fine
    from nurture.services.keys.mark import KeysMissingError, refuse_other_keys
    from nurture.store.tables.instance import time_of

    if not house.database.exists():
        said = f"There is no database at {house.database.engine.url.database} yet."
        remedy = "Start “nurture serve”, or set NURTURE_DATA_DIR to where it is."
        yield failed("database", said, remedy)
        return
    if (trouble := _misfit(house)) is not None:
        yield trouble
        return
    yield fine("database", "It answers, and its tables are those of this version.")
    with house.database.reading() as connection:
        told, now = time_of(connection), real_now()
    if told is not None:
        yield from surroundings.compare_clocks("the database", told, now)
    try:
        refuse_other_keys(house.database, house.tokens)
    except KeysMissingError as error:
        yield failed_by("secrets", error)
    if house.published is None:
        yield failed("published", "Nothing has been published yet.", "Run “nurture publish”.")
    yield from _rows(house)


def _misfit(house: House) -> Finding | None:
    """Why the tables cannot be worked with, if so; raises `DatabaseUnavailableError`."""
    from nurture.bootstrap import OlderDatabaseError, refuse_older
    from nurture.services.health.finding import failed_by
    from nurture.store.database import NewerDatabaseError
    from nurture.store.shape import is_newer

    found = house.database.find_shape()
    if is_newer(found):
        return failed_by("database", NewerDatabaseError(str(found)))
    try:
        refuse_older(house.database)
    except OlderDatabaseError as error:
        return failed_by("database", error)
    return None


def _rows(house: House) -> Iterator[Finding]:
    from nurture.clock import real_now
    from nurture.services.health import rows, safekeeping

    moments = rows.Moments(house.clock(), real_now())
    fingerprint, seen = house.fingerprint, house.witness.seen()
    with house.database.reading() as connection:
        yield from rows.sending(connection, fingerprint, seen, moments)
        yield from rows.left_over(connection, moments)
        yield from rows.hits(connection, house.journals, moments)
        yield from rows.callers(connection, moments.now)
        yield from rows.studio(connection)
    yield from safekeeping.erasures(house.database, house.files)


def _kept_outside(house: House) -> Iterator[Finding]:
    """Backups and withdrawals; where the database is in the way, it is told of there."""
    from nurture.services.health import safekeeping
    from nurture.store.database import DatabaseUnavailableError

    try:
        if house.database.exists() and _misfit(house) is None:
            yield from safekeeping.withdrawals(house.safe, house.clock())
            yield from safekeeping.backups(house.safe, house.find_backup, house.clock())
    except DatabaseUnavailableError:
        return


def _redis(house: House) -> Iterator[Finding]:
    from nurture.bootstrap import broker_trouble
    from nurture.services.health.finding import failed, fine

    if trouble := broker_trouble(house):
        remedy = "Put that right: until then no email leaves, and none is lost."
        yield failed("redis", trouble, remedy)
    elif house.settings.redis_url:
        yield fine("redis", "It answers and takes what the program writes.")
    else:
        yield fine("redis", "The program brings its own.")


def _signing(house: House) -> Iterator[Finding]:
    """Whether emails can be signed with the key that is set."""
    from nurture.mail.setup import make_sign
    from nurture.services.health.finding import fine

    if house.settings.dkim_selector:
        make_sign(house.settings, house.practice.sender_domain, house.relay)
        yield fine("signing", f"The key {house.settings.dkim_selector} can be used.")


def _visitors(house: House) -> Iterator[Finding]:
    from nurture.services.health.finding import doubtful

    if trouble := house.proxy_trouble:
        yield doubtful("proxy", trouble, "docs/behind-a-proxy.md has the whole of it.")
    if trouble := house.crowd_trouble:
        yield doubtful("visitors", trouble, "See var/logs/web.log for when it was.")


def _as_values(finding: Finding) -> dict[str, str]:
    return {
        "name": finding.name,
        "level": finding.level.value,
        "sentence": finding.sentence,
        "remedy": finding.remedy,
    }


def _tell(found: list[Finding]) -> None:
    """For the eye: the worst first, in colours on a terminal, and as wide as it is."""
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
        f"{counted['failure']} failed, {counted['warning']} to see to, {counted['ok']} in order."
    )


def _wrapped(text: str, width: int, indent: str) -> str:
    columns = max(width - len(indent) - 1, 30)
    lines = textwrap.wrap(text, columns, break_long_words=False, break_on_hyphens=False)
    return f"\n{indent}".join(lines)
