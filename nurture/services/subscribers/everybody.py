"""Exporting everything about all people, to be taken elsewhere or read back here."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TextIO

from nurture.domain.imports.carried import (
    ADDRESS,
    COLUMNS,
    LIST_FIELDS,
    PERSON,
    as_cell,
    plain,
)
from nurture.services.segments import BYTE_ORDER_MARK
from nurture.sheets.cells import guarded
from nurture.store.database import Connection, Database
from nurture.store.queries.moves import everybody as stored
from nurture.tokens import Tokens

#: People read at once.
_CHUNK = 500

#: Characters of a list in one row: what is beyond goes into another row about the same person,
#: because no spreadsheet has cells of more than 32,767.
_LONGEST_LIST = 30_000

Record = dict[str, Any]


class ExportFormat(StrEnum):
    """How an export is written: for a spreadsheet, or a JSON document a line."""

    CSV = "csv"
    NDJSON = "ndjson"


@dataclass(frozen=True, slots=True)
class ExportCounts:
    """How many people are in an export, and suppressed addresses of which only a hash is known."""

    people: int
    addresses: int


def export_everybody(
    database: Database,
    tokens: Tokens,
    to: TextIO,
    written_as: ExportFormat,
    *,
    marked: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> ExportCounts:
    """Write everything about all people, as they were at one moment; return how many there are.

    CSV (RFC 4180) opens in a spreadsheet: it is marked as UTF-8 unless `marked` is false, with an
    apostrophe before each cell that would run as a formula, and lists as JSON. `progress` is told
    how many people of how many are written.
    """
    write = writer(to, written_as, marked=marked)
    with database.reading() as connection:
        return write_everybody(connection, tokens, write, progress)


def write_everybody(
    connection: Connection,
    tokens: Tokens,
    write: Callable[[Record], object],
    progress: Callable[[int, int], None] | None = None,
) -> ExportCounts:
    """Hand each row to `write`, as plain JSON values by column; return how many there are."""
    people, of = 0, stored.count_people(connection)
    for chunk in _people(connection, tokens):
        for person in chunk:
            _write_whole(write, person)
        people += len(chunk)
        if progress:
            progress(people, of)
    addresses = 0
    for address in _addresses(connection, tokens):
        _write_whole(write, address)
        addresses += 1
    return ExportCounts(people, addresses)


def _people(connection: Connection, tokens: Tokens) -> Iterator[list[Record]]:
    number = 0
    while True:
        number, found = stored.people_after(connection, number, _CHUNK, tokens.address_hashes)
        if not found:
            return
        yield [{"kind": PERSON, **plain(one)} for one in found]


def _addresses(connection: Connection, tokens: Tokens) -> Iterator[Record]:
    last = ""
    while True:
        last, found = stored.addresses_after(connection, last, _CHUNK)
        if not found:
            return
        yield from ({"kind": ADDRESS, "key_mark": tokens.key_mark, **plain(one)} for one in found)


def writer(
    to: TextIO, written_as: ExportFormat, *, marked: bool = True
) -> Callable[[Record], object]:
    """Return what writes the rows of an export to a file, the first line included."""
    return _csv(to, marked) if written_as is ExportFormat.CSV else _ndjson(to)


def _csv(to: TextIO, marked: bool) -> Callable[[Record], object]:
    to.write(BYTE_ORDER_MARK if marked else "")
    lines = csv.writer(to, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    return lambda row: lines.writerow(guarded(as_cell(row.get(name))) for name in COLUMNS)


def _ndjson(to: TextIO) -> Callable[[Record], object]:
    def write(row: Record) -> None:
        document = {name: row.get(name) for name in COLUMNS}
        to.write(json.dumps(document, ensure_ascii=False) + "\n")

    return write


def _write_whole(write: Callable[[Record], object], row: Record) -> None:
    """Write a row, and further ones with the same person for what a cell has no room for."""
    parts = {name: _parts(row.get(name, [])) for name in LIST_FIELDS}
    for place in range(max(map(len, parts.values()))):
        lists = {
            name: several[place] if place < len(several) else [] for name, several in parts.items()
        }
        write(row | lists)


def _parts(records: list[Record]) -> list[list[Record]]:
    """Return the records in lists that are short enough for a cell; one at least."""
    parts, length = list[list[Record]]([[]]), 0
    for record in records:
        size = len(json.dumps(record, ensure_ascii=False)) + 2
        if parts[-1] and length + size > _LONGEST_LIST:
            parts.append([])
            length = 0
        parts[-1].append(record)
        length += size
    return parts
