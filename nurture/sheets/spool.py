"""Rows stored in files without a name, so that a long list needs little memory.

The files are gone with the process, whatever ends it, and are never seen in a directory.
"""

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from zlib import crc32

from nurture.domain.imports.row import AddressFault, ImportRow, RowState
from nurture.domain.subscribers.address import address_key

#: How many parts a list is stored in; one part at a time is in memory.
_PARTS = 32

#: A part this large goes to a file; smaller ones stay in memory.
_LARGE = 256 * 1024

_DEFAULTS = {each.name: each.default for each in fields(ImportRow) if each.default is not MISSING}
_MOMENTS = frozenset({"opted_in_at", "confirmed_at", "joined_at", "left_at", "bought_at"})
_LISTS = frozenset({"tags", "problems"})
_NAMES = [each.name for each in fields(ImportRow)]


class RowSpool:
    """Rows in parts; all rows about one address lie in one part."""

    def __init__(self) -> None:
        self._parts: list[IO[bytes]] = [
            SpooledTemporaryFile(_LARGE)  # noqa: SIM115  `close` closes them.
            for _ in range(_PARTS)
        ]

    def add(self, row: ImportRow, line: bytes | None = None) -> None:
        """Store a row; `line` is the same as `row_to_line` writes it, if it is known."""
        key = address_key(row.address) if row.address else ""
        self._parts[crc32(key.encode()) % _PARTS].write(line or row_to_line(row))

    def parts(self) -> Iterator[list[ImportRow]]:
        """Yield the rows part by part, always in the same order."""
        for part in self._parts:
            part.seek(0)
            yield [row_from_line(line) for line in part]

    def close(self) -> None:
        """Give everything up."""
        for part in self._parts:
            part.close()


def row_to_line(row: ImportRow) -> bytes:
    """Return a row as a line of JSON, without what it does not say."""
    told: dict[str, Any] = {}
    for name in _NAMES:
        value = getattr(row, name)
        if name not in _DEFAULTS or value != _DEFAULTS[name]:
            told[name] = value.isoformat() if isinstance(value, datetime) else value
    return json.dumps(told, ensure_ascii=False, default=dict).encode(errors="replace") + b"\n"


def row_from_line(line: bytes) -> ImportRow:
    """Return the row that `row_to_line` wrote."""
    told: dict[str, Any] = json.loads(line)
    return ImportRow(**{name: _value(name, value) for name, value in told.items()})


def _value(name: str, value: Any) -> Any:
    if name in _MOMENTS:
        return datetime.fromisoformat(value)
    if name in _LISTS:
        return tuple(value)
    match name:
        case "state":
            return RowState(value)
        case "fault":
            return AddressFault(value)
        case "own":
            return None if value is None else dict(value)
    return value
