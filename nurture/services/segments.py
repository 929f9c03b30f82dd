"""Segments: who is in one, how many, and exports to a file."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from nurture.domain.audience.conditions import Condition, Segment, Segments
from nurture.domain.errors import NurtureError
from nurture.services.catalogue import Catalogue
from nurture.sheets.cells import guarded
from nurture.store.database import Connection, Database
from nurture.store.queries import segments as stored
from nurture.store.queries.segments import Member

_FIELDS = ("email", "first_name", "since")


class UnknownSegmentError(NurtureError):
    """No segment with that name has been published."""


@dataclass(frozen=True, slots=True)
class SegmentPreview:
    """A segment with its size and a few of its people."""

    segment: Segment
    count: int
    sample: tuple[Member, ...]


def all_segments(
    database: Database, catalogue: Catalogue, now: datetime
) -> list[tuple[Segment, int]]:
    """Return every published segment and how many people are in it."""
    with database.reading() as connection:
        known = catalogue.current(connection).segments
        return [
            (one, stored.count_segment(connection, one.condition, now, known.health))
            for one in known.segments.values()
        ]


def glimpse(
    database: Database, catalogue: Catalogue, name: str, now: datetime, sample: int = 20
) -> SegmentPreview:
    """Return one segment, its size and a sample; may raise `UnknownSegmentError`."""
    with database.reading() as connection:
        known = catalogue.current(connection).segments
        segment = _get(known, name)
        count, some = _look(connection, known, segment.condition, now, sample)
    return SegmentPreview(segment, count, some)


def try_out(
    database: Database, catalogue: Catalogue, condition: Condition, now: datetime, sample: int = 5
) -> tuple[int, tuple[Member, ...]]:
    """Return how many people match a condition that is not published, and some of them."""
    with database.reading() as connection:
        known = catalogue.current(connection).segments
        return _look(connection, known, condition, now, sample)


def export_csv(
    database: Database,
    catalogue: Catalogue,
    name: str,
    now: datetime,
    to: TextIO,
    *,
    marked: bool = True,
) -> int:
    """Write the people in a segment as CSV (RFC 4180), one per line; return how many.

    It opens in a spreadsheet on a double click: marked as UTF-8 unless `marked` is false, times in
    UTC to the second, and an apostrophe before each cell that would run as a formula. May raise
    `UnknownSegmentError`.
    """
    rows = _rows(database, catalogue, name, now)
    to.write(BYTE_ORDER_MARK if marked else "")
    lines = csv.writer(to, lineterminator="\r\n")
    lines.writerow(_FIELDS)
    count = 0
    for row in rows:
        since = readable_time(datetime.fromisoformat(row["since"]))
        lines.writerow([guarded(cell) for cell in (row["email"], row["first_name"], since)])
        count += 1
    return count


def export_ndjson(
    database: Database, catalogue: Catalogue, name: str, now: datetime, to: TextIO
) -> int:
    """Write the people in a segment as JSON documents, one per line; return how many."""
    count = 0
    for row in _rows(database, catalogue, name, now):
        to.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


def _rows(
    database: Database, catalogue: Catalogue, name: str, now: datetime
) -> Iterator[dict[str, str]]:
    with database.reading() as connection:
        known = catalogue.current(connection).segments
        condition = _get(known, name).condition
        for member in stored.segment_members(connection, condition, now, known.health):
            yield {
                "email": member.address,
                "first_name": member.first_name,
                "since": member.created_at.isoformat(timespec="seconds"),
            }


def _look(
    connection: Connection, known: Segments, condition: Condition, now: datetime, sample: int
) -> tuple[int, tuple[Member, ...]]:
    count = stored.count_segment(connection, condition, now, known.health)
    some = stored.segment_members(connection, condition, now, known.health, limit=sample)
    return count, tuple(some)


def _get(known: Segments, name: str) -> Segment:
    if name not in known.segments:
        raise UnknownSegmentError(
            f"There is no segment “{name}”.",
            remedy=f"The segments are {', '.join(sorted(known.segments)) or 'none yet'}.",
        )
    return known.segments[name]


#: Tells a spreadsheet that a file is UTF-8; without it, Excel garbles every non-ASCII letter.
BYTE_ORDER_MARK = "\ufeff"


def readable_time(moment: datetime) -> str:
    """Return a moment in UTC as spreadsheets read it: `2026-03-02 09:15:00`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
