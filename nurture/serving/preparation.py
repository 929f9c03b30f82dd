"""Preparations before anything runs: tables, publishing, and what to report about them."""

import multiprocessing
import os
import sys
from multiprocessing.connection import Connection
from typing import Any

from nurture.bootstrap import Context, bring_up_to_date, build
from nurture.domain.errors import NurtureError
from nurture.files.disk import unusable
from nurture.library.folder import Library, read_library
from nurture.lifeline import die_with_parent
from nurture.mail.setup import make_mailer, make_sign
from nurture.services.publishing import files
from nurture.services.publishing.wordings import RenamedFormError, SameWordsError
from nurture.services.reports import status
from nurture.serving.kernel import root_trouble
from nurture.serving.last_published import LastPublished

_FORK = multiprocessing.get_context("fork")


def prepare() -> dict[str, Any]:
    """Bring database and publications up to date; return what the welcome message reports."""
    context = build()
    context.settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    bring_up_to_date(context)
    last = LastPublished(context)
    library = read_library(context.library)
    notes = last.find_notes()
    if notes is None:
        notes = _publish(context, library)
        last.keep(notes)
    troubles = [context.proxy_trouble, root_trouble()]
    make_mailer(context.settings, context.outbox, context.access_tokens).close()
    make_sign(context.settings, library.practice.sender_domain, context.relay)
    return {
        "practice": library.practice.name,
        "forms": [s.sequence.form.key for s in library.sequences if s.sequence.form],
        "notes": notes,
        "troubles": [said for said in troubles if said],
        "to_fill_in": _to_fill_in(context),
        "armed": status.is_armed(context.database, context.fingerprint, context.witness),
    }


def _publish(context: Context, library: Library) -> list[str]:
    """Publish the files; return what prevents some of them from being published."""
    try:
        files.publish(context.database, library, context.clock())
    except (files.OwnerWroteThisError, SameWordsError, RenamedFormError) as error:
        return [str(error)]
    return []


def _to_fill_in(context: Context) -> list[str]:
    """Return the details missing from what is now published, whatever its source."""
    return files.to_fill_in_published(context.get_published())


class Preparation:
    """Preparation in a separate process, so that this one opens no database and stays unchanged.

    It begins immediately, while this process loads what all programs need.
    """

    def __init__(self) -> None:
        self._ours, theirs = _FORK.Pipe(duplex=False)
        self._process = _FORK.Process(target=_prepare_into, args=(theirs, os.getpid()))
        self._process.start()
        theirs.close()

    def wait(self) -> dict[str, Any] | None:
        """Return what the welcome message reports; `None` after a problem, already reported."""
        try:
            told: dict[str, Any] | None = self._ours.recv()
        except EOFError:
            told = None
        self._process.join()
        return told


def _prepare_into(answer: Connection, parent: int) -> None:
    die_with_parent(parent)
    try:
        answer.send(prepare())
    except (NurtureError, OSError) as error:
        if (trouble := in_words(error)) is None:
            raise
        sys.stderr.write(f"nurture: {trouble}\n")
        sys.exit(1)


def in_words(error: NurtureError | OSError) -> NurtureError | None:
    """Return an error that the user can correct; `None` if it is a fault of the program."""
    return error if isinstance(error, NurtureError) else unusable(error)
