"""The command that takes everything about all people elsewhere."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_database, written_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from nurture.bootstrap import Context
    from nurture.services.subscribers.everybody import ExportCounts

_FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
_FORMATS = ("csv", "ndjson")


@main.command("export")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(_FORMATS),
    help="csv for a spreadsheet (the default), or ndjson: one JSON document per line.",
)
@click.option("--out", "file", type=_FILE, help="Write to this file, readable by you alone.")
@click.option("--json", "as_json", is_flag=True, help="Say as a JSON document what was written.")
@with_database
def export_all(context: Context, format_name: str | None, file: Path | None, as_json: bool) -> None:
    """Export everything about all people, to take it elsewhere.

    Without --out it is printed, and what was written is said on standard error. “nurture import”
    brings such a file in again, with every consent and its proof and each journey where it was.
    """
    from nurture.services.subscribers.everybody import ExportFormat, export_everybody

    written_as = ExportFormat(format_name or _format_of(file))
    progress = _progress() if sys.stderr.isatty() else None
    stored = (context.database, context.tokens)
    if file is None or str(file) == "-":
        counts = export_everybody(*stored, sys.stdout, written_as, marked=False, progress=progress)
        return click.echo(_said(counts, written_as, None, as_json), err=True)
    with written_whole(file) as to:
        counts = export_everybody(*stored, to, written_as, progress=progress)
    click.echo(_said(counts, written_as, file, as_json))


def _format_of(file: Path | None) -> str:
    """Return the format that a file's name asks for."""
    return "ndjson" if file and file.suffix in (".ndjson", ".jsonl") else "csv"


def _progress() -> Callable[[int, int], None]:
    def tell(done: int, of: int) -> None:
        click.echo(f"\r{done:,} of {of:,} people", nl=done >= of, err=True)

    return tell


def _said(counts: ExportCounts, written_as: str, file: Path | None, as_json: bool) -> str:
    if as_json:
        told = asdict(counts) | {"format": str(written_as), "file": str(file) if file else None}
        return json.dumps(told, indent=2)
    where = f" written to {file}" if file else ""
    lines = [f"{counts.people} people{where}."]
    if counts.addresses:
        lines.append(
            f"{counts.addresses} suppressed addresses are known only by a keyed hash: take "
            "NURTURE_ADDRESS_KEY along, or they mean nothing elsewhere."
        )
    return "\n".join(lines)
