"""Commands that bring a list into the program, list what was brought in, and take it back."""

from __future__ import annotations

import json
import sys
import time
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nurture.bootstrap import Context
    from nurture.domain.imports.said import ListSaid
    from nurture.services.imports.bring import ImportResult
    from nurture.services.imports.own import RestoredCounts
    from nurture.store.tables.imports import Import

_DAY = click.DateTime(["%Y-%m-%d"])
_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)

#: Columns that are not named: what is of no use here, and what this program wrote itself.
_UNSAID = frozenset({"ignored", "own"})

#: How many mistakes and hints are printed; the JSON document has more.
_PRINTED = 20


@main.command("import")
@click.argument("file", type=_FILE)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@click.option(
    "--covers",
    multiple=True,
    metavar="STREAM",
    help="A kind of email that the list is for: articles, news or series:FORM.",
)
@click.option("--wording", default="", help="The words that people agreed to.")
@click.option("--where", default="", help="Where they agreed: a page, a form, a place.")
@click.option("--since", type=_DAY, metavar="DATE", help="The first day those words were there.")
@click.option("--until", type=_DAY, metavar="DATE", help="The last day those words were there.")
@click.option("--client", is_flag=True, help="They are clients.")
@click.option("--bought", default="", help="What they bought, where no column says it.")
@click.option(
    "--way-out-offered",
    is_flag=True,
    help="They could refuse emails when they gave the address, and can in every email.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME=MEANING",
    help="What a column means, if it was not recognised.",
)
@click.option("--encoding", default="", help="The encoding of a text file, such as cp1252.")
@click.option("--start", default="", metavar="SEQUENCE", help="Begin a sequence with them.")
@click.option("--check-domains", is_flag=True, help="Ask the DNS which domains take no email.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation, as a terminal is asked.")
@with_database
def import_list(
    context: Context,
    file: Path,
    dry_run: bool,
    as_json: bool,
    covers: tuple[str, ...],
    columns: tuple[str, ...],
    encoding: str,
    start: str,
    check_domains: bool,
    yes: bool,
    **statement: Any,
) -> None:
    """Bring a list of people in, from any program.

    The list is read and every person is judged first: only people who agreed, or who are clients,
    are ever emailed. Nobody is emailed by the import. Run again after an interruption, the same
    command goes on where it stopped; see docs/bringing-a-list.md.
    """
    from nurture.services.imports.bring import ImportDesk, bring_in, rehearse
    from nurture.services.imports.source import ListSource

    said = _said(context, covers, columns, encoding, start, statement)
    desk, source = ImportDesk(*context.stored, context.tokens), ListSource(file, file.name)
    ask = not yes and sys.stdin.isatty()
    if dry_run or ask:
        rehearsed = rehearse(desk, source, said, context.clock(), _progress())
        _report(rehearsed, as_json and dry_run, check_domains)
        if dry_run or not click.confirm("Bring them in?", err=True):
            return click.echo("Nothing was written.", err=True)
    done = bring_in(desk, source, said, "the command line", context.clock(), _progress())
    _report(done, as_json, check_domains and not ask)


@main.command("imports")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_database
def show_imports(context: Context, as_json: bool) -> None:
    """List the lists that were brought in, newest first."""
    from nurture.store.tables.imports import list_imports

    with context.database.reading() as connection:
        found = list_imports(connection)
    if as_json:
        return click.echo(json.dumps(list(map(_values, found)), ensure_ascii=False, indent=2))
    click.echo("\n".join(map(_line, found)) or "No list was brought in.")


@main.command("import-undo")
@click.argument("number", type=click.IntRange(1, 2**31 - 1))
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@with_database
def undo_import(context: Context, number: int, yes: bool) -> None:
    """Take an import back: remove the people it added, and restore what it changed.

    That is possible until the first email to any of its people.
    """
    from nurture.services.imports.undo import undo

    if not yes and not click.confirm(f"Take import {number} back?"):
        return click.echo("Nothing was changed.")
    done = undo(*context.stored, context.files, number, context.clock())
    click.echo(
        f"Import {number} is taken back: {done.removed:,} removed, {done.restored:,} put back as "
        f"they were, {done.kept:,} untouched."
    )


def _said(
    context: Context,
    covers: tuple[str, ...],
    columns: tuple[str, ...],
    encoding: str,
    start: str,
    statement: dict[str, Any],
) -> ListSaid:
    from nurture.domain.imports.said import ListSaid, read_covers
    from nurture.domain.imports.statement import Statement

    since, until = _day(statement.pop("since")), _day(statement.pop("until"))
    streams = read_covers(covers, context.get_published().forms)
    whole = Statement(covers=streams, since=since, until=until, **statement)
    return ListSaid(whole, dict(map(_column, columns)), encoding, start)


def _day(given: datetime | None) -> date | None:
    return given.date() if given else None


def _column(given: str) -> tuple[str, str]:
    name, equals, meaning = given.rpartition("=")
    if not equals or not name.strip():
        raise click.UsageError("Write --column NAME=MEANING, such as --column “Optin=opted_in_at”.")
    return name.strip(), meaning.strip()


def _dead_domains(result: ImportResult) -> list[str]:
    from nurture.services.imports.domains import dead_domains, takes_mail

    return list(dead_domains(result.survey.domains, takes_mail))


def _progress() -> Callable[[str, int, int], None]:
    """Return what reports progress on standard error, if that is a terminal."""
    said, is_watched = time.monotonic(), sys.stderr.isatty()
    words = {"read": "rows read", "look": "rows compared", "write": "rows brought in"}

    def tell(what: str, done: int, of: int) -> None:
        nonlocal said
        if is_watched and time.monotonic() - said > 1:
            said = time.monotonic()
            total = f" of {of:,}" if of else ""
            print(f"{done:,}{total} {words[what]} …", file=sys.stderr, flush=True)

    return tell


def _report(result: ImportResult, as_json: bool, check_domains: bool) -> None:
    from nurture.services.imports.words import as_values

    hints = _dead_domains(result) if check_domains else []
    if not as_json:
        return click.echo("\n".join(_page(result, hints)))
    values = as_values(result)
    values["hints"] += [{"hint": one} for one in hints]
    click.echo(json.dumps(values, ensure_ascii=False, indent=2))


def _page(result: ImportResult, hints: list[str]) -> Iterator[str]:
    from nurture.services.imports.words import MEANINGS, next_moves

    survey = result.survey
    yield f"{survey.rows:,} rows, as {survey.read.program} writes them."
    for sheet in survey.read.sheets:
        known = [f"{one.name}={one.meaning}" for one in sheet.columns if one.meaning not in _UNSAID]
        yield f"  {sheet.name}: {', '.join(known) or 'no column was recognised'}"
        yield from (f"  {note}" for note in sheet.notes)
    if result.restored:
        return (yield from _restored(result.restored))
    yield ""
    for pile, meaning in MEANINGS.items():
        yield f"  {survey.piles[pile]:>9,}  {pile:<11}{meaning}"
    yield ""
    yield from _part("Mistakes", [f"line {o.line}: {o.found.sentence}" for o in survey.mistakes])
    told = [f"line {one.line}: {one.sentence}" for one in survey.hints]
    yield from _part("Hints (nothing is changed because of them)", [*told, *hints])
    yield _outcome(result)
    if result.start:
        at = result.start.first_at
        yield (
            f"{result.starts:,} of them have a right to “{result.start.sequence.title}” and begin "
            f"it; its first email is due on {at:%-d %B %Y at %H:%M} UTC."
        )
    yield from (f"Next: {one}" for one in next_moves(result))


def _restored(counts: RestoredCounts) -> Iterator[str]:
    """Say what became of this program's own export."""
    yield (
        f"People: {counts.added:,} new, {counts.changed:,} changed, {counts.unchanged:,} as they "
        f"were, {counts.erased:,} erased here and left out."
    )
    yield f"Addresses that are not emailed, of nobody known: {counts.suppressed:,}."
    if counts.held:
        yield f"{counts.held:,} enrolments under way are held: “nurture held list” shows them."
    if counts.other_key:
        yield f"{counts.other_key:,} hashes of addresses were made with another key: no use here."
    yield from _part(f"Rows that cannot be read ({counts.unreadable:,})", list(counts.problems))


def _part(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield from (f"  {one}" for one in lines[:_PRINTED])
        if len(lines) > _PRINTED:
            yield f"  … and {len(lines) - _PRINTED:,} more; --json has them."
        yield ""


def _outcome(result: ImportResult) -> str:
    if result.done is None:
        return f"It would add or change {result.changed:,} people. Nothing is written yet."
    return (
        f"Import {result.done.id}: {result.changed:,} people were added or changed. “nurture "
        f"import-undo {result.done.id}” takes it back, until their first email."
    )


def _line(one: Import) -> str:
    piles = ", ".join(f"{count:,} {pile}" for pile, count in one.piles.items() if count)
    state = ""
    if one.undone_at:
        state = "  TAKEN BACK"
    elif one.finished_at is None:
        state = "  UNFINISHED: the same command goes on"
    whence = f"{one.started_at:%Y-%m-%d %H:%M}  {one.program}, {one.file_name}"
    return f"{one.id:>4}  {whence}: {piles}; {one.changed:,} changed{state}"


def _values(one: Import) -> dict[str, Any]:
    moments = ("started_at", "finished_at", "undone_at")
    times = {name: _iso(getattr(one, name)) for name in moments}
    return {
        "number": one.id,
        "program": one.program,
        "file_name": one.file_name,
        "digest": one.digest,
        "by": one.by,
        "said": dict(one.said),
        "piles": one.piles,
        "changed": one.changed,
        "mistakes": [
            {"sheet": sheet, "line": line, "reason": reason}
            for sheet, line, reason in one.mistake_rows
        ],
        **times,
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
