"""Commands that check and publish emails and sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, up_to_date, with_context

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.library.folder import Library
    from nurture.services.catalogue import Published
    from nurture.services.publishing.files import Publication


@main.command()
@click.option(
    "--overwrite", is_flag=True, help="Also replace what the owner has published differently."
)
@click.option("--dry-run", is_flag=True, help="Only show what would change, and who is affected.")
@with_context
def publish(context: Context, overwrite: bool, dry_run: bool) -> None:
    """Check the emails and sequences, and publish what changed."""
    from nurture.bootstrap import bring_up_to_date
    from nurture.library.folder import read_library
    from nurture.services.publishing import files

    library = read_library(context.library)
    if dry_run:
        return _tell(_preview(context, library), "would change")
    bring_up_to_date(context)
    publication = files.publish(context.database, library, context.clock(), overwrite=overwrite)
    publication.to_fill_in = files.to_fill_in(library, _published(context))
    _tell(publication, "published")


def _preview(context: Context, library: Library) -> Publication:
    """Return what publishing would do; create no database to find out."""
    from nurture.services.publishing import files
    from nurture.services.publishing.files import Publication

    if not context.database.exists() or context.database.find_shape() is None:
        return Publication([draft.key for draft in files.check(library)])
    up_to_date(context)
    return files.preview(context.database, library)


@main.command()
@with_context
def check(context: Context) -> None:
    """Check every sequence and email.

    Each finding names its file and line, and says how to fix it.
    """
    from nurture.bootstrap import doubts
    from nurture.library.folder import read_library
    from nurture.services.publishing import files

    library = read_library(context.library)
    drafts = files.check(library)
    published = _published(context)
    if published:
        files.check_wordings(context.database, library)
    for said in context.settings.first_steps():
        click.echo(f"to set: {said}")
    for said in files.to_fill_in(library, published):
        click.echo(f"to fill in: {said}")
    for said in files.to_know(library):
        click.echo(f"note: {said}")
    for said in doubts(context.settings):
        click.echo(f"probably a mistake: {said}")
    for said in context.settings.mend_files().warnings:
        click.echo(f"not private: {said}")
    click.echo(f"{len(drafts)} files are fine.")


def _published(context: Context) -> Published | None:
    """Return what is currently published, or None if there is no database; create none."""
    return context.published if context.database.exists() else None


def _tell(publication: Publication, done: str) -> None:
    for key in publication.changed:
        click.echo(f"{done}: {key}")
    for key, impact in publication.impacts.items():
        click.echo(f"{key}: {impact}")
    if not publication.changed:
        click.echo("Nothing changed.")
    for said in publication.to_fill_in:
        click.echo(f"to fill in: {said}")
