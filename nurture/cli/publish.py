"""Commands for what is written: checking and publishing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, up_to_date, with_house

if TYPE_CHECKING:
    from nurture.bootstrap import House
    from nurture.library.folder import Library
    from nurture.services.catalogue import Published
    from nurture.services.publishing.files import Publication


@main.command()
@click.option("--overwrite", is_flag=True, help="Also where the owner published another state.")
@click.option("--dry-run", is_flag=True, help="Only say what it would change and for whom.")
@with_house
def publish(house: House, overwrite: bool, dry_run: bool) -> None:
    """Check the emails and sequences, publish what changed."""
    from nurture.bootstrap import bring_up_to_date
    from nurture.library.folder import read_library
    from nurture.services.publishing import files

    library = read_library(house.library)
    if dry_run:
        return _tell(_preview(house, library), "would change")
    bring_up_to_date(house)
    publication = files.publish(house.database, library, house.clock(), overwrite=overwrite)
    publication.to_fill_in = files.to_fill_in(library, _published(house))
    _tell(publication, "published")


def _preview(house: House, library: Library) -> Publication:
    """What publishing would do; where there is no database yet, none is made to find that out."""
    from nurture.services.publishing import files
    from nurture.services.publishing.files import Publication

    if not house.database.exists() or house.database.find_shape() is None:
        return Publication([draft.key for draft in files.check(library)])
    up_to_date(house)
    return files.preview(house.database, library)


@main.command()
@with_house
def check(house: House) -> None:
    """Check every sequence and email.

    Each finding is told with its file, its line and what to do about it.
    """
    from nurture.bootstrap import doubts, open_files
    from nurture.library.folder import read_library
    from nurture.services.publishing import files

    library = read_library(house.library)
    drafts = files.check(library)
    for said in house.settings.first_steps():
        click.echo(f"to set: {said}")
    for said in files.to_fill_in(library, _published(house)):
        click.echo(f"to fill in: {said}")
    for said in files.to_know(library):
        click.echo(f"good to know: {said}")
    for said in doubts(house.settings):
        click.echo(f"probably not meant: {said}")
    for said in open_files(house.settings):
        click.echo(f"not private: {said}")
    click.echo(f"{len(drafts)} files are in order.")


def _published(house: House) -> Published | None:
    """What runs at present, if the database is there to ask; none is made."""
    return house.published if house.database.exists() else None


def _tell(publication: Publication, done: str) -> None:
    for key in publication.changed:
        click.echo(f"{done}: {key}")
    for key, impact in publication.impacts.items():
        click.echo(f"{key}: {impact}")
    if not publication.changed:
        click.echo("Nothing changed.")
    for said in publication.to_fill_in:
        click.echo(f"to fill in: {said}")
