"""The command that turns an empty machine into the one that was backed up."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nurture.cli.backup import progress
from nurture.cli.command import main
from nurture.cli.held import as_values, in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyrage import x25519

    from nurture.archive.journal import WithdrawalJournal
    from nurture.archive.place import StoredFile
    from nurture.services.backup.contents import BackupHeader
    from nurture.services.backup.restore import Restored


@main.command()
@click.argument("where", metavar="FILE")
@click.option(
    "--words-file", type=click.Path(path_type=Path), help="A file that contains the eight words."
)
@click.option(
    "--journal",
    type=click.Path(path_type=Path),
    help="The journal of withdrawals, if it is not beside the backup.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
def restore(where: str, words_file: Path | None, journal: Path | None, as_json: bool) -> None:
    """Restore a backup to an empty machine, and send nothing.

    FILE is in a folder or, as s3://bucket/…/nurture-….age, in a bucket. You are asked for the words
    that “nurture backup” showed.
    """
    from nurture.files.secrets import KEPT, MADE
    from nurture.services.backup import restore as from_backup
    from nurture.services.backup.places import locate_file
    from nurture.services.backup.restore import RestoreTarget
    from nurture.settings import given_settings, load_settings

    given = given_settings()
    blank = load_settings(dict.fromkeys(MADE, _BLANK) | given)
    place = RestoreTarget.of(blank)
    place.insist_on_empty()
    file = locate_file(where, blank)
    identity, beside = _unlock(file, words_file)
    before = from_backup.settings_in(file, identity)
    made = {name: value for name, value in before.items() if name in KEPT}
    settings = load_settings(made | given)
    said: dict[str, Any] = {}

    def then(about: BackupHeader, library: Path | None) -> None:
        own = _journal(journal, file, about)
        others = [] if journal else [one for one in file.place.journals() if one != own]
        said.update(_settle_in(made | given, place.staged_url, about, own, others))

    restored = from_backup.restore(
        file, identity, beside, place, settings, before, then, progress("rows")
    )
    said = _as_document(file, restored, said)
    click.echo(json.dumps(said, indent=2) if as_json else _in_words(said))


#: A placeholder for the secrets while only the directories matter.
_BLANK = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def _unlock(file: StoredFile, words_file: Path | None) -> tuple[x25519.Identity, StoredFile]:
    """Unlock the key with the words; return it and its file. Wrong words are bad usage (exit 2)."""
    from nurture.archive.identity import BESIDE, WrongWordsError, unlock
    from nurture.archive.place import StoredFile

    locked = StoredFile(file.place, BESIDE)
    try:
        return unlock(locked, _read_words(words_file)), locked
    except WrongWordsError as error:
        raise click.UsageError(str(error)) from None


def _read_words(words_file: Path | None) -> str:
    if words_file is None:
        if not sys.stdin.isatty():
            raise click.UsageError(
                "The words that open the backup are needed: use --words-file FILE."
            )
        words: str = click.prompt("The eight words", hide_input=True, err=True)
        return words
    try:
        return words_file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise click.UsageError(f"The words cannot be read from {words_file}.") from None


def _settle_in(
    settings: Mapping[str, str],
    database_url: str,
    about: BackupHeader,
    journal: WithdrawalJournal | None,
    others: Sequence[WithdrawalJournal],
) -> dict[str, Any]:
    """Prepare the database before it is moved into place; return what is then held."""
    from nurture.bootstrap import bring_up_to_date, build
    from nurture.services.backup import silence
    from nurture.services.backup.held import list_held
    from nurture.settings import load_settings

    context = build(load_settings({**settings, "NURTURE_DATABASE_URL": database_url}))
    database, catalogue, now = *context.stored, context.clock()
    try:
        bring_up_to_date(context)
        withdrawn = silence.settle_in(
            database, catalogue, context.files, about, journal, others, now
        )
        held = list_held(database, catalogue, now)
    finally:
        database.close()
    return {
        "journal": str(journal) if journal else None,
        "withdrawn_again": dict(withdrawn),
        "held": [as_values(one) for one in held],
    }


def _journal(named: Path | None, file: StoredFile, about: BackupHeader) -> WithdrawalJournal | None:
    """Return the journal of withdrawals: the named one, else any that lies beside the backup."""
    from nurture.archive.journal import JournalFile

    if named and not named.is_file():
        raise click.UsageError(f"There is no journal of withdrawals at {named}.")
    journal = JournalFile(named) if named else file.place.journal(about.fingerprint)
    return journal if journal.exists() else None


def _as_document(file: StoredFile, restored: Restored, said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "file": str(file),
        "made_at": restored.about.made_at.isoformat(),
        "made_by": restored.about.program,
        "armed": False,
        "settings_of_before": str(restored.settings_file),
        "templates": str(restored.library) if restored.library else None,
        **said,
    }


def _in_words(said: Mapping[str, Any]) -> str:
    lines = [
        f"Restored: everything as it was at {said['made_at']}. Nothing is sent from here yet.",
        f"The other machine’s settings are in {said['settings_of_before']}: copy to .env those "
        "that apply here too.",
    ]
    if said["templates"]:
        lines.append(
            f"Its emails and guides differ from this machine’s and are in {said['templates']}: "
            "set NURTURE_TEMPLATES_DIR to that folder to use them."
        )
    if said["journal"]:
        again = sum(said["withdrawn_again"].values())
        lines.append(
            f"Withdrawn since the backup, and withdrawn again here: {again} ({said['journal']})."
        )
    else:
        lines.append(
            "NO JOURNAL OF WITHDRAWALS was beside the backup: people who have opted out since are "
            "not known, and would be emailed. If it is elsewhere, restore again with "
            "--journal FILE."
        )
    if said["held"]:
        lines.append(
            f"Held, because it came due since and may have been sent: {len(said['held'])}."
        )
        lines += [f"  {in_words(one)}" for one in said["held"]]
        lines.append(
            "“nurture held release” sends it after all, “nurture held drop” treats it as sent; "
            "use --all or one address."
        )
    lines.append("When everything looks right, run “nurture arm”.")
    return "\n".join(lines)
