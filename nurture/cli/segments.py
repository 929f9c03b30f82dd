"""Commands for segments."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_database, written_whole

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.services.segments import SegmentPreview

_FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)


@main.command()
@click.argument("name", required=False)
@click.option(
    "--csv", "csv_file", type=_FILE, help="Export to this CSV file; - means standard output."
)
@click.option(
    "--ndjson", "ndjson_file", type=_FILE, help="Export to this file, one JSON document per line."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_database
def segment(
    context: Context,
    name: str | None,
    csv_file: Path | None,
    ndjson_file: Path | None,
    as_json: bool,
) -> None:
    """Count, list and export the people in a segment.

    Without a name, list all segments and how many people are in each.
    """
    from nurture.services import segments

    if name is None:
        return _list_all(context, as_json)
    as_csv = partial(segments.export_csv, marked=str(csv_file) != "-")
    exports = ((csv_file, as_csv), (ndjson_file, segments.export_ndjson))
    for file, write in exports:
        if file is not None:
            _export(context, name, file, write)
    if not (csv_file or ndjson_file):
        found = segments.glimpse(*context.stored, name, context.clock())
        click.echo(json.dumps(_as_document(found), indent=2) if as_json else _in_words(found))


def _list_all(context: Context, as_json: bool) -> None:
    from nurture.services import segments

    found = segments.all_segments(*context.stored, context.clock())
    if as_json:
        rows = [{"name": s.name, "title": s.title, "about": s.about, "count": n} for s, n in found]
        return click.echo(json.dumps(rows, indent=2))
    for one, count in found:
        click.echo(f"{one.name}: {count}  {one.about}")
    if not found:
        click.echo("There are no segments yet; define some in segments.toml and publish.")


def _export(context: Context, name: str, file: Path, write: Callable[..., int]) -> None:
    if str(file) == "-":
        write(*context.stored, name, context.clock(), sys.stdout)
        return
    with written_whole(file) as to:
        count = write(*context.stored, name, context.clock(), to)
    click.echo(f"{count} people written to {file}.")


def _as_document(found: SegmentPreview) -> dict[str, object]:
    return {
        "name": found.segment.name,
        "title": found.segment.title,
        "about": found.segment.about,
        "count": found.count,
        "sample": [
            {
                "email": one.address,
                "first_name": one.first_name,
                "since": one.created_at.isoformat(),
            }
            for one in found.sample
        ],
    }


def _in_words(found: SegmentPreview) -> str:
    lines = [f"{found.segment.title}: {found.count}", found.segment.about]
    lines += [f"  {one.address}  {one.first_name}".rstrip() for one in found.sample]
    if found.count > len(found.sample):
        lines.append(f"  … and {found.count - len(found.sample)} more; --csv FILE writes them all.")
    return "\n".join(filter(None, lines))
