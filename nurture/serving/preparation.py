"""What is done before anything runs: tables, publishing, and what there is to say about it."""

import multiprocessing
import os
import sys
from multiprocessing.connection import Connection
from typing import Any

from nurture.bootstrap import House, bring_up_to_date, build
from nurture.domain.errors import NurtureError
from nurture.files.disk import unusable
from nurture.library.folder import Library, read_library
from nurture.lifeline import die_with_parent
from nurture.mail.setup import make_mailer, make_sign
from nurture.services.publishing import files
from nurture.services.reports import status
from nurture.serving.kernel import root_trouble
from nurture.serving.last_published import LastPublished

_FORK = multiprocessing.get_context("fork")


def prepare() -> dict[str, Any]:
    """Bring database and publications up to date; return what the welcome tells."""
    house = build()
    house.settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    bring_up_to_date(house)
    last = LastPublished(house)
    library = read_library(house.library)
    notes = last.find_notes()
    if notes is None:
        notes = _publish(house, library)
        last.keep(notes)
    troubles = [house.proxy_trouble, root_trouble()]
    make_mailer(house.settings, house.outbox).close()
    make_sign(house.settings, library.practice.sender_domain, house.relay)
    return {
        "practice": library.practice.name,
        "forms": [s.sequence.form.key for s in library.sequences if s.sequence.form],
        "notes": notes,
        "troubles": [said for said in troubles if said],
        "to_fill_in": _to_fill_in(house),
        "armed": status.is_armed(house.database, house.fingerprint, house.witness),
    }


def _publish(house: House, library: Library) -> list[str]:
    """Publish the files; return what keeps some of them from being published."""
    try:
        files.publish(house.database, library, house.clock())
    except files.OwnerWroteThisError as error:
        return [str(error)]
    return []


def _to_fill_in(house: House) -> list[str]:
    """What is missing in what runs from now on, wherever it was written."""
    with house.database.reading() as connection:
        return files.to_fill_in_published(house.catalogue.current(connection))


class Preparation:
    """Prepares in a process of its own, so that this one opens no database and stays as it is.

    It begins at once, while this process loads what everybody needs.
    """

    def __init__(self) -> None:
        self._ours, theirs = _FORK.Pipe(duplex=False)
        self._process = _FORK.Process(target=_prepare_into, args=(theirs, os.getpid()))
        self._process.start()
        theirs.close()

    def wait(self) -> dict[str, Any] | None:
        """What the welcome tells; `None` where something is in the way, which has been said."""
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
    """What a person can put right; `None` where it is a fault of the program’s."""
    return error if isinstance(error, NurtureError) else unusable(error)
