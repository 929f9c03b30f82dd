"""The group that every command belongs to, and the helpers that commands share."""

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
    """A group that reports errors in one line and exits with 2 for bad usage, else with 1."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        keep_private()
        streams.make_fit()
        try:
            try:
                return super().main(*args, **{**kwargs, "standalone_mode": False})
            finally:
                streams.flush()
        except BrokenPipeError:
            sys.exit(141)  # Our output's reader has stopped reading, as `head` does.
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
    """Turn a visitor who asked for a free guide into someone who books a session.

    Start with “nurture serve”: it asks no questions and prints the address to open.
    Settings are read from NURTURE_… variables in the environment or in a .env file.
    """


def private_settings(warn: bool = True) -> Settings:
    """Return the settings, after closing their files to other users of this machine.

    Print what was fixed and, if `warn` is true, what could not be fixed.
    """
    settings = load_settings()
    mended = settings.mend_files()
    for said in mended.sentences if warn else mended.notes:
        click.echo(f"nurture: {said}", err=True)
    return settings


def with_context(command: Callable[..., None]) -> Callable[..., None]:
    """Pass the context to the command, but refuse a database that a newer version has upgraded."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        from nurture.bootstrap import build, refuse_newer

        context = build(private_settings(warn=False))
        refuse_newer(context.database)
        command(context, *args, **kwargs)

    return wrapped


def with_database(command: Callable[..., None]) -> Callable[..., None]:
    """Pass the context to the command, and require a database that is `up_to_date`."""

    @with_context
    @wraps(command)
    def wrapped(context: Context, *args: Any, **kwargs: Any) -> None:
        up_to_date(context)
        command(context, *args, **kwargs)

    return wrapped


@contextmanager
def written_whole(file: Path) -> Iterator[TextIO]:
    """Open a private file for writing that appears complete or not at all.

    Raise NurtureError with the reason if it cannot be written.
    """
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
    """Require a database with up-to-date tables that were filled with our keys; upgrade nothing.

    Commands only do what they are asked; upgrading is for those that call `bring_up_to_date`.
    A mistyped data directory must not create a new database either.
    """
    from nurture.services.keys.mark import refuse_other_keys

    tables_are_there(context)
    refuse_other_keys(context.database, context.tokens)


def tables_are_there(context: Context) -> None:
    """Require a database with up-to-date tables, whichever keys it was filled with."""
    from nurture.bootstrap import refuse_older

    if not context.database.exists():
        raise NurtureError(
            f"There is no database at {context.settings.database}.",
            remedy="Start with “nurture serve”, or point NURTURE_DATA_DIR at the right directory.",
        )
    refuse_older(context.database)
