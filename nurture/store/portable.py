"""The whole database as lines that either engine can write and either can read.

A line is a row: a JSON array in the order of the columns that the plan names. Moments are ISO 8601
in UTC, files are Base64, and everything else is plain JSON. Rows are ordered by primary key, in the
same order from both engines, so that equal databases have equal digests.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from nurture.store.shape import compatibility, whole_schema
from nurture.store.types import UtcDateTime

#: The columns of each table with their kinds, in the order in which the tables are filled.
Plan = Mapping[str, Sequence[tuple[str, str]]]

_TYPES: Mapping[str, TypeEngine[Any]] = {
    "integer": sa.Integer(),
    "boolean": sa.Boolean(),
    "moment": UtcDateTime(),
    "bytes": sa.LargeBinary(),
    "text": sa.Text(),
}

#: The approximate size of an archive member in bytes, and how many rows are read at a time.
_CHUNK, _ROWS = 1_000_000, 500


def plan() -> dict[str, list[tuple[str, str]]]:
    """Return the tables of this version."""
    return {t.name: [(c.name, _kind(c)) for c in t.columns] for t in _filled()}


def _filled() -> list[sa.Table]:
    """Return the tables that are filled in normal use, without the one that migrations maintain."""
    return [t for t in whole_schema().sorted_tables if t.name != compatibility.name]


def schema_revision(connection: sa.Connection) -> str:
    """Return the last migration applied to the tables, or an empty string if there are none."""
    if "alembic_version" not in sa.inspect(connection).get_table_names():
        return ""
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found or ""


def is_empty(connection: sa.Connection) -> bool:
    """Return whether all our tables are empty."""
    there = set(sa.inspect(connection).get_table_names())
    ours = [t for t in _filled() if t.name in there]
    counted = (sa.select(sa.literal(1)).select_from(sa.table(t.name)).limit(1) for t in ours)
    return all(connection.scalar(one) is None for one in counted)


def bytes_of(connection: sa.Connection) -> int:
    """Return the size of the database on disk, in bytes."""
    if connection.dialect.name != "sqlite":
        here = sa.func.pg_database_size(sa.func.current_database())
        return connection.scalar(sa.select(here)) or 0
    pages, each = (
        connection.exec_driver_sql(f"PRAGMA {what}").scalar_one()
        for what in ("page_count", "page_size")
    )
    return int(pages * each)


class Tally:
    """A count of the rows of each table that have passed through, and their digest."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._digests: dict[str, Any] = {}

    def add(self, name: str, lines: bytes) -> None:
        """Count whole lines of one table."""
        self._rows[name] = self._rows.get(name, 0) + lines.count(b"\n")
        self._digests.setdefault(name, sha256()).update(lines)

    @property
    def rows(self) -> int:
        """The number of rows in all tables."""
        return sum(self._rows.values())

    def as_document(self) -> dict[str, dict[str, Any]]:
        """Return the rows and the digest of each table that has any, for the manifest."""
        return {
            name: {"rows": rows, "sha256": self._digests[name].hexdigest()}
            for name, rows in sorted(self._rows.items())
        }


def lines_of(
    connection: sa.Connection, name: str, columns: Sequence[tuple[str, str]]
) -> Iterator[bytes]:
    """Yield the rows of one table, some at a time, by primary key."""
    plain = _plain(name, columns)
    statement = sa.select(plain).order_by(*_in_order(connection, name, plain))
    at_once = 1 if any(kind == "bytes" for _, kind in columns) else _ROWS
    lines, size = [], 0
    for row in connection.execute(statement, execution_options={"yield_per": at_once}):
        lines.append(
            json.dumps(list(row), ensure_ascii=False, separators=(",", ":"), default=_said)
        )
        size += len(lines[-1])
        if size >= _CHUNK:
            yield _joined(lines)
            lines, size = [], 0
    if lines:
        yield _joined(lines)


def take_in(
    connection: sa.Connection, name: str, columns: Sequence[tuple[str, str]], lines: bytes
) -> None:
    """Insert whole lines of one table."""
    readers = [_READERS.get(kind, _as_it_is) for _, kind in columns]
    names = [each for each, _ in columns]
    rows = []
    for line in lines.decode().split("\n")[:-1]:
        values = json.loads(line)
        rows.append({n: read(v) for n, read, v in zip(names, readers, values, strict=True)})
    if rows:
        connection.execute(sa.insert(_plain(name, columns)), rows)


def go_on_numbering(connection: sa.Connection, plan: Plan) -> None:
    """Make a server's own numbering continue after the inserted rows; SQLite's does so already."""
    if connection.dialect.name == "sqlite":
        return
    for name, columns in plan.items():
        numbered = ("id", "integer") in columns
        sequence = numbered and connection.scalar(
            sa.select(sa.func.pg_get_serial_sequence(name, "id"))
        )
        if sequence:
            highest = connection.scalar(sa.select(sa.func.max(_plain(name, columns).c.id)))
            connection.execute(
                sa.select(sa.func.setval(sequence, highest or 1, highest is not None))
            )


def _kind(found: sa.Column[Any]) -> str:
    match found.type:
        case sa.Boolean():
            return "boolean"
        case sa.Integer():
            return "integer"
        case UtcDateTime():
            return "moment"
        case sa.LargeBinary():
            return "bytes"
    return "text"


def _plain(name: str, columns: Sequence[tuple[str, str]]) -> Any:
    return sa.table(name, *(sa.column(each, _TYPES[kind]) for each, kind in columns))


def _in_order(connection: sa.Connection, name: str, plain: Any) -> list[Any]:
    """Return the primary key's columns to order by, with texts by their bytes on both engines."""
    keys = sa.inspect(connection).get_pk_constraint(name)["constrained_columns"]
    on_server = connection.dialect.name != "sqlite"
    return [
        plain.c[key].collate("C")
        if on_server and isinstance(plain.c[key].type, sa.Text)
        else plain.c[key]
        for key in keys
    ]


def _joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _said(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return b64encode(value).decode("ascii")


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).astimezone(UTC)


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else b64decode(value)


def _as_it_is(value: Any) -> Any:
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {"moment": _moment, "bytes": _bytes}
