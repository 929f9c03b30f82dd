"""Reading a backup: turning it back into a database, and checking that it is what was written."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pyrage import x25519

from nurture.archive.container import DamagedBackupError, Member, opened_archive
from nurture.archive.place import StoredFile
from nurture.services.backup import contents
from nurture.services.backup.contents import ABOUT, MANIFEST, TABLES, BackupHeader, Progress
from nurture.store import portable
from nurture.store.database import Connection, Database
from nurture.store.migrate import UnknownRevisionError, migrate_to

#: A callback given whatever a backup contains besides rows.
Receive = Callable[[Member], None]

#: A callback given the backup's header before any row is inserted.
Check = Callable[[BackupHeader], None]


def take_in(
    database: Database,
    file: StoredFile,
    identity: x25519.Identity,
    tell: Progress,
    receive: Receive,
    check: Check,
) -> BackupHeader:
    """Fill an empty database from a backup, all or nothing, and compare rows and digests.

    Its tables have the backup's schema; bring them up to date afterwards. May raise
    `DamagedBackupError`.
    """
    with opened_archive(file, identity) as members:
        about = _up_to_about(members, receive)
        check(about)
        _make_tables(database, about)
        with database.writing() as connection:
            said = _fill(connection, about, members, tell)
            portable.go_on_numbering(connection, about.tables)
            _compare(connection, about, said, tell)
    return about


def prove(file: StoredFile, identity: x25519.Identity, scratch: Path, tell: Progress) -> int:
    """Restore a backup to a scratch database in that folder and compare; return its row count."""
    counted = 0

    def count(rows: int) -> None:
        nonlocal counted
        counted = max(counted, rows)
        tell(rows)

    with _scratch_database(scratch) as database:
        take_in(database, file, identity, count, lambda _: None, lambda _: None)
    return counted


@contextmanager
def _scratch_database(scratch: Path) -> Iterator[Database]:
    for left in scratch.glob("proving-*"):  # Left by a killed process; it had the lock.
        shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(prefix="proving-", dir=scratch) as directory:
        database = Database(f"sqlite:///{Path(directory).absolute()}/nurture.db")
        try:
            yield database
        finally:
            database.close()


def _up_to_about(members: Iterator[Member], receive: Receive) -> BackupHeader:
    for name, content in members:
        if name == ABOUT:
            return BackupHeader.read(content)
        receive((name, content))
    raise DamagedBackupError("This backup does not say what it is.", remedy="Take another.")


def _make_tables(database: Database, about: BackupHeader) -> None:
    try:
        migrate_to(database.url, about.revision)
    except UnknownRevisionError:
        raise DamagedBackupError(
            f"This backup was made by nurture {about.program}, which is newer than this one.",
            remedy="Restore it with that version.",
        ) from None


def _fill(
    connection: Connection, about: BackupHeader, members: Iterator[Member], tell: Progress
) -> dict[str, object]:
    """Insert all rows; return the manifest, which comes last."""
    tally, manifest = portable.Tally(), None
    for name, content in members:
        if name == MANIFEST:
            manifest = json.loads(content)
        else:
            table = name.removeprefix(TABLES).partition("/")[0]
            portable.take_in(connection, table, about.tables[table], content)
            tally.add(table, content)
            tell(tally.rows)
    if manifest is None:
        raise DamagedBackupError("This backup ends too early.", remedy="Take another.")
    found: dict[str, object] = manifest
    return found


def _compare(
    connection: Connection, about: BackupHeader, said: dict[str, object], tell: Progress
) -> None:
    """Raise `DamagedBackupError` unless the database now contains what was backed up."""
    tally = portable.Tally()
    for _ in contents.rows(connection, about.tables, tally, tell):
        pass
    found = tally.as_document()
    wrong = sorted(name for name in {*said, *found} if said.get(name) != found.get(name))
    if wrong:
        raise DamagedBackupError(
            f"What comes back is not what was written, in {', '.join(wrong)}.",
            remedy="Take another backup.",
        )
