"""The contents of a backup, in the order in which a restore needs them.

The key comes first, then the files, then the rows of one consistent snapshot, and finally the
manifest: the number of rows in each table, and their digests.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nurture import __version__
from nurture.archive.container import DamagedBackupError, Member
from nurture.library.reading import files_of
from nurture.settings import Settings
from nurture.store import portable
from nurture.store.database import Connection, Database
from nurture.store.tables.withdrawals import newest_withdrawal

#: The format of the file; another number means that an older program cannot read it.
FORMAT = 1

ABOUT, SETTINGS, DKIM, MANIFEST = "about.json", "settings.json", "dkim.pem", "manifest.json"
LIBRARY, TABLES = "library/", "tables/"

#: A callback given the number of rows so far.
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Sources:
    """What a backup is made from."""

    database: Database
    settings: Settings
    library: Path
    fingerprint: str
    key_mark: str


@dataclass(frozen=True, slots=True)
class BackupHeader:
    """What a backup says about itself before anything else."""

    format: int
    program: str
    revision: str
    made_at: datetime
    fingerprint: str
    key_mark: str
    withdrawals: int
    tables: portable.Plan

    @classmethod
    def read(cls, content: bytes) -> "BackupHeader":
        """Parse it from the archive; raise `DamagedBackupError` if another version wrote it."""
        said: dict[str, Any] = json.loads(content)
        if said.get("format") != FORMAT:
            raise DamagedBackupError(
                f"This backup was made by nurture {said.get('program')}, in another form.",
                remedy="Restore it with that version or a newer one.",
            )
        made_at = datetime.fromisoformat(said["made_at"])
        tables = {
            name: [(c, kind) for c, kind in columns] for name, columns in said["tables"].items()
        }
        return cls(**said | {"made_at": made_at, "tables": tables})


def everything(sources: Sources, now: datetime, tell: Progress) -> Iterator[Member]:
    """Yield all members; the rows are a snapshot of one moment, and nothing has to stop."""
    yield from _files(sources)
    tally = portable.Tally()
    with sources.database.reading() as connection:
        yield ABOUT, _document(_about(connection, sources, now))
        yield from rows(connection, portable.plan(), tally, tell)
    yield MANIFEST, _document(tally.as_document())


def rows(
    connection: Connection, plan: portable.Plan, tally: portable.Tally, tell: Progress
) -> Iterator[Member]:
    """Yield the rows of all tables, counting them along the way."""
    for name, columns in plan.items():
        for number, lines in enumerate(portable.lines_of(connection, name, columns), start=1):
            tally.add(name, lines)
            tell(tally.rows)
            yield f"{TABLES}{name}/{number:06}.jsonl", lines


def _files(sources: Sources) -> Iterator[Member]:
    settings = sources.settings
    yield SETTINGS, _document(dict(settings.secrets))
    if settings.dkim_key_file and settings.dkim_key_file.is_file():
        yield DKIM, settings.dkim_key_file.read_bytes()
    for path in files_of(sources.library):
        yield f"{LIBRARY}{path.relative_to(sources.library)}", path.read_bytes()


def _about(connection: Connection, sources: Sources, now: datetime) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "program": __version__,
        "revision": portable.schema_revision(connection),
        "made_at": now.astimezone(UTC).isoformat(),
        "fingerprint": sources.fingerprint,
        "key_mark": sources.key_mark,
        "withdrawals": newest_withdrawal(connection),
        "tables": portable.plan(),
    }


def _document(values: Any) -> bytes:
    return json.dumps(values, ensure_ascii=False, indent=1).encode()
