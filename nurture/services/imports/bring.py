"""Bringing a list in: rehearsed, then written in chunks, and continued wherever it stopped."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from nurture.domain.errors import NurtureError
from nurture.domain.imports.said import ListSaid, insist_on_whole, read_covers
from nurture.services.catalogue import Catalogue, Published
from nurture.services.imports.arrival import ImportTask, arrivals_of, write_chunk
from nurture.services.imports.own import CHUNK, RestoredCounts, restore_people
from nurture.services.imports.source import (
    ListSource,
    Progressing,
    PutAside,
    in_silence,
    put_aside,
)
from nurture.services.imports.start import SequenceStart, find_start
from nurture.services.imports.survey import Survey, go_through
from nurture.store.database import Database
from nurture.store.tables import imports
from nurture.store.tables.imports import Import
from nurture.tokens import Tokens


class ChangedMeanwhileError(NurtureError):
    """An import was taken back or completed by another process while it went on here."""


class ImportDesk(NamedTuple):
    """What bringing a list in needs."""

    database: Database
    catalogue: Catalogue
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What a list amounts to, how many people it changes, and the import, unless rehearsed.

    `starts` counts the people who begin the sequence that `start` describes. `restored` is set for
    this program's own export, whose people come back as they were: it is no import that could be
    taken back.
    """

    survey: Survey
    said: ListSaid
    digest: str
    changed: int
    done: Import | None = None
    start: SequenceStart | None = None
    starts: int = 0
    restored: RestoredCounts | None = None


def rehearse(
    desk: ImportDesk,
    source: ListSource,
    said: ListSaid,
    now: datetime,
    progressing: Progressing = in_silence,
) -> ImportResult:
    """Return what bringing a list in would do, and write nothing.

    May raise `SheetError`, `StatementError` or `NoStartError`.
    """
    start, said = _checked(desk, said, now)
    with put_aside(source, said, progressing) as aside:
        if aside.read.is_own:
            return _restored(desk, aside, said, now, progressing, keep=False)
        survey, changed, starts = Survey(aside.read), 0, 0
        with desk.database.reading() as connection:
            begun_at = imports.first_of(connection, aside.digest) or now
        task = ImportTask(None, aside.digest, aside.read.program, said, begun_at, now, start)
        for chunk in go_through(aside, said, begun_at, survey):
            with desk.database.reading() as connection:
                arrivals = arrivals_of(connection, task, desk.tokens, chunk)
            changed += sum(one.has_changed for one in arrivals)
            starts += sum(one.starts for one in arrivals)
            progressing("look", survey.rows, aside.rows)
        return ImportResult(survey, said, aside.digest, changed, None, start, starts)


def bring_in(
    desk: ImportDesk,
    source: ListSource,
    said: ListSaid,
    by: str,
    now: datetime,
    progressing: Progressing = in_silence,
) -> ImportResult:
    """Write a list down, each person once, and return what was written.

    If the same file was being brought in with the same words and that stopped, it goes on there.
    May raise what `rehearse` raises, and `ChangedMeanwhileError`.
    """
    start, said = _checked(desk, said, now)
    with put_aside(source, said, progressing) as aside:
        if aside.read.is_own:
            return _restored(desk, aside, said, now, progressing, keep=True)
        one, begun_at = _begin(desk.database, source, aside, said, by, now)
        survey, starts = Survey(aside.read), 0
        task = ImportTask(one.id, aside.digest, aside.read.program, said, begun_at, now, start)
        for chunk in go_through(aside, said, begun_at, survey):
            with desk.database.writing() as connection:
                _insist_on_open(imports.find_import(connection, one.id, lock=True))
                published = desk.catalogue.current(connection)
                starts += write_chunk(connection, published, task, desk.tokens, chunk)
                imports.change_import(
                    connection, one.id, done=survey.rows, addresses=aside.rows, moved_at=now
                )
            progressing("write", survey.rows, aside.rows)
        done = _finish(desk.database, one.id, survey, now)
    return ImportResult(survey, said, aside.digest, done.changed, done, start, starts)


def _restored(
    desk: ImportDesk,
    aside: PutAside,
    said: ListSaid,
    now: datetime,
    progressing: Progressing,
    *,
    keep: bool,
) -> ImportResult:
    """Bring this program's own export back, or find out what that would do."""
    carried = (row.own for part in aside.spool.parts() for row in part)
    left, counts, done = (row for row in carried if row is not None), RestoredCounts(), 0
    while rows := list(islice(left, CHUNK)):
        with suppress(_RehearsedError), desk.database.writing() as connection:
            counts += restore_people(connection, desk.tokens, rows, now)
            if not keep:
                raise _RehearsedError
        done += len(rows)
        progressing("write" if keep else "look", done, aside.rows)
    survey = Survey(aside.read, rows=aside.rows)
    changed = counts.added + counts.changed
    return ImportResult(survey, said, aside.digest, changed, restored=counts)


class _RehearsedError(Exception):
    """Rolls back what was only to be rehearsed."""


def _checked(
    desk: ImportDesk, said: ListSaid, now: datetime
) -> tuple[SequenceStart | None, ListSaid]:
    insist_on_whole(said.statement)
    published = _published(desk)
    read_covers(said.statement.covers, published.forms)
    return find_start(published, said.start, now), said


def _published(desk: ImportDesk) -> Published:
    with desk.database.reading() as connection:
        return desk.catalogue.current(connection)


def _begin(
    database: Database,
    source: ListSource,
    aside: PutAside,
    said: ListSaid,
    by: str,
    now: datetime,
) -> tuple[Import, datetime]:
    """Return the import that goes on or begins, and when this file was first brought in."""
    values = said.as_values()
    with database.writing() as connection:
        one = imports.find_unfinished(connection, aside.digest, values) or imports.add_import(
            connection,
            digest=aside.digest,
            program=aside.read.program,
            file_name=source.name[:200],
            said=values,
            by=by,
            started_at=now,
            moved_at=now,
        )
        return one, imports.first_of(connection, aside.digest) or one.started_at


def _insist_on_open(one: Import | None) -> None:
    if one is None or one.finished_at or one.undone_at:
        raise ChangedMeanwhileError(
            "This import was completed or taken back elsewhere meanwhile.",
            remedy="Look at the list of imports.",
        )


def _finish(database: Database, number: int, survey: Survey, now: datetime) -> Import:
    with database.writing() as connection:
        _insist_on_open(imports.find_import(connection, number, lock=True))
        imports.change_import(
            connection,
            number,
            **survey.counts,
            addresses=survey.addresses,
            done=survey.addresses,
            changed=imports.count_changed(connection, number),
            mistake_rows=survey.mistakes_without_addresses(),
            moved_at=now,
            finished_at=now,
        )
        found = imports.find_import(connection, number)
        assert found is not None  # It is locked.
        return found
