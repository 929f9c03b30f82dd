"""Commands that make backups."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from nurture.archive.place import StoredFile
    from nurture.bootstrap import Context

_WORDS = """These eight words open your backups on another machine. They are shown only now:
write them down, and keep them away from this machine.

    {words}
"""


@main.command()
@click.option("--to", metavar="PLACE", help="A folder or bucket, or the file to write.")
@click.option("--check", metavar="FILE", help="Prove that file instead of making one.")
@click.option("--new-words", is_flag=True, help="Show new words, which replace the old ones.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_database
def backup(
    context: Context, to: str | None, check: str | None, new_words: bool, as_json: bool
) -> None:
    """Back everything up to one encrypted file, and prove it.

    The backup is restored and compared before it counts as good.

    The file is written to NURTURE_BACKUP_URL unless you name another place. The first backup also
    shows the words that open it.
    """
    from nurture.services.backup import backups
    from nurture.services.tracking import fold
    from nurture.store.database import DatabaseUnavailableError

    if check:
        return _check(context, check, as_json)
    file = _where(context, to)
    words = _words(context, new_words, as_json)
    with suppress(DatabaseUnavailableError):  # Hits not folded now are not lost.
        fold.fold_journals(context.database, context.journals)
    now, tell = context.clock(), progress("rows")
    made = backups.back_up(context.backup_setup, file.place, now, tell, file.name)
    said = {"file": str(made.file), "bytes": made.bytes, "rows": made.rows}
    if as_json:
        return click.echo(json.dumps(said | ({"words": words} if words else {}), indent=2))
    click.echo(
        f"{made.file}: {made.bytes:,} bytes, {made.rows:,} rows, restored and compared: good."
    )
    if made.remark:
        click.echo(made.remark)
    click.echo(needed_elsewhere(made.file.name, str(context.backup_setup.journal)))


def needed_elsewhere(name: str, journal: str) -> str:
    """Return a sentence listing what you must take with you to another machine."""
    return (
        f"To move to another machine, take along {name}, identity.age beside it, the journal of "
        f"withdrawals ({journal}) and the eight words: see docs/moving.md."
    )


def _where(context: Context, to: str | None) -> StoredFile:
    from nurture.archive.place import StoredFile
    from nurture.services.backup.places import locate

    if to:
        return locate(to, context.settings)
    if context.place is None:
        raise click.UsageError("Name a folder with --to, or set NURTURE_BACKUP_URL.")
    return StoredFile(context.place, "")


def _words(context: Context, new: bool, as_json: bool) -> str:
    """Show new words if there are none or `new` is set; return "" if the old ones are valid.

    They are valid once the locked key is stored beside the backups and the words have been shown:
    a run killed before that leaves nothing behind.
    """
    keys, place = context.backup_setup.keys, context.backup_setup.place
    if keys.exist() and not new:
        return ""
    words, locked = keys.draw()
    if place is not None:
        place.prepare()
        keys.lay_beside(place, locked)
    # Shown now even with --json, since a failed backup prints no document.
    click.echo(_WORDS.format(words=words), err=as_json)
    keys.take(locked)
    return words


def _check(context: Context, where: str, as_json: bool) -> None:
    from nurture.services.backup.places import locate_file
    from nurture.services.backup.proof import prove

    keys = context.backup_setup.keys
    if not keys.plain.exists():
        raise click.UsageError("This machine has no backup key: use “nurture restore”.")
    file = locate_file(where, context.settings)
    rows = prove(file, keys.read(), keys.directory, progress("rows"))
    if as_json:
        return click.echo(json.dumps({"file": str(file), "rows": rows, "good": True}, indent=2))
    click.echo(f"{file}: {rows:,} rows, restored and compared: good.")


def progress(what: str) -> Callable[[int], None]:
    """Return a callback that reports progress on standard error every few seconds."""
    said = time.monotonic()

    def tell(count: int) -> None:
        nonlocal said
        if time.monotonic() - said > 3:
            said = time.monotonic()
            print(f"{count:,} {what} …", file=sys.stderr, flush=True)

    return tell
