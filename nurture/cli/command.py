"""The group that every command belongs to, and what the commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from nurture.cli import streams
from nurture.domain.errors import NurtureError
from nurture.files.disk import unusable
from nurture.files.private import keep_private, open_private
from nurture.settings import Settings, load_settings

if TYPE_CHECKING:
    from nurture.bootstrap import Context


class _OneLine(click.Group):
    """Says what is wrong in one line and ends with 2 for bad usage, 1 for everything else."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        keep_private()
        streams.make_fit()
        try:
            try:
                return super().main(*args, **{**kwargs, "standalone_mode": False})
            finally:
                streams.flush()
        except BrokenPipeError:
            sys.exit(141)  # The reader of our output has stopped reading, as `head` does.
        except click.exceptions.Abort:
            sys.exit(130)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(2)
        except click.UsageError as error:
            hint = f" Try “{error.ctx.command_path} --help”." if error.ctx else ""
            click.echo(f"nurture: {error.format_message().rstrip('.')}.{hint}", err=True)
            sys.exit(2)
        except NurtureError as error:
            click.echo(f"nurture: {error}", err=True)
            sys.exit(1)
        except OSError as error:
            if (trouble := unusable(error)) is None:
                raise
            click.echo(f"nurture: {trouble}", err=True)
            sys.exit(1)


@click.group(cls=_OneLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nurture")
def main() -> None:
    """Turn a visitor who asked for a free guide into somebody who books a session.

    Start with “nurture serve”: it asks for nothing and prints where to look.
    Settings come from NURTURE_… in the environment or in a file .env.
    """


def private_settings(warn: bool = True) -> Settings:
    """The settings, once the files that they name are closed to other users of this machine.

    It says what was mended and, unless told not to `warn`, what could not be.
    """
    settings = load_settings()
    mended = settings.mend_files()
    for said in mended.sentences if warn else mended.notes:
        click.echo(f"nurture: {said}", err=True)
    return settings


def with_context(command: Callable[..., None]) -> Callable[..., None]:
    """Hand the command everything the program works with, but no database of a newer one."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        from nurture.bootstrap import build, refuse_newer

        context = build(private_settings(warn=False))
        refuse_newer(context.database)
        command(context, *args, **kwargs)

    return wrapped


@contextmanager
def written_whole(file: Path) -> Iterator[TextIO]:
    """A file to write for nobody else to read, there whole or not at all; says why where not."""
    draft = file.with_name(f".{file.name}.part")
    try:
        with os.fdopen(open_private(draft), "w", encoding="utf-8", newline="") as to:
            yield to
        draft.replace(file)
    except OSError as error:
        raise NurtureError(
            f"{file} cannot be written: {error.strerror}.",
            remedy="Choose a folder that you can write to.",
        ) from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def up_to_date(context: Context) -> None:
    """See that the tables are there, up to date and filled with our keys; bring them nowhere.

    Commands look and do as they are told; upgrading is for those that `bring_up_to_date`. A
    mistyped data directory must not become a new database either.
    """
    from nurture.services.keys.mark import refuse_other_keys

    tables_are_there(context)
    refuse_other_keys(context.database, context.tokens)


def tables_are_there(context: Context) -> None:
    """See that the tables are there and up to date, whatever keys they were filled with."""
    from nurture.bootstrap import refuse_older

    if not context.database.exists():
        raise NurtureError(
            f"There is no database at {context.settings.database}.",
            remedy="Start with “nurture serve”, or point NURTURE_DATA_DIR at the right directory.",
        )
    refuse_older(context.database)
